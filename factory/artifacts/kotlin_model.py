"""The classes of a model's AAR: an enum of its activities and an object that the recogniser takes.

Both as Kotlin source, for people, and compiled, so that publishing needs neither a JDK nor a Kotlin compiler. The
recogniser that they fit is android_demo/recognizer; `make android` compiles an app against them.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory.artifacts.classfile import ENUM, FINAL, PRIVATE, PUBLIC, STATIC, SUPER, SYNTHETIC, ClassFile, Member
from factory.artifacts.kotlin_names import ModelNames

_MODEL, _LABEL = "dev/smldist/recognizer/RecognitionModel", "dev/smldist/recognizer/ActivityLabel"
_OBJECT = (
    "\0\x10\n\x02\x18\x02\n\x02\x18\x02\n\x02\x18\x02\n\x02\b\x02\b\xc6\x02\x18\x002\b\x12\x04\x12\x020\x020\x01"
    "B\t\b\x02\xa2\x06\x04\b\x03\x10\x04"
)
"""Kotlin's description of `object A : B<C>(...)` with a private constructor, in which A, B and C stand by number."""
_METADATA = (2, 1, 0)
"""Version of that description's format: Kotlin 2.1 reads it."""
_ALOAD, _ILOAD, _LDC_W, _LDC2_W = b"\x2a\x2b\x2c\x2d", b"\x1a\x1b\x1c\x1d", b"\x13", b"\x14"
_DUP, _RETURN, _ARETURN, _AASTORE, _SIPUSH = b"\x59", b"\xb1", b"\xb0", b"\x53", b"\x11"
_GETSTATIC, _PUTSTATIC, _GETFIELD, _PUTFIELD = b"\xb2", b"\xb3", b"\xb4", b"\xb5"
_VIRTUAL, _SPECIAL, _STATIC_CALL, _NEW, _ANEWARRAY, _CHECKCAST = b"\xb6", b"\xb7", b"\xb8", b"\xbb", b"\xbd", b"\xc0"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelClasses:
    """What the classes hold.

    Attributes:
        names: Of package, classes and constants.
        labels: In the order of the logits.
        name: Of the model, as published.
        version: As published.
        pack: SHA-256 of the assets' pack.json.
        contract: contract.json.
        max_gap_s: A longer silence begins a new window.
    """

    names: ModelNames
    labels: Sequence[str]
    name: str
    version: str
    pack: str
    contract: str
    max_gap_s: float


def sources(given: ModelClasses) -> Mapping[str, str]:
    """Kotlin source by path."""
    names = given.names
    constants = "\n".join(
        f"    {name}({kotlin_text(label)})," for name, label in zip(names.constants, given.labels, strict=True)
    )
    activity = f"""package {names.package}

import dev.smldist.recognizer.ActivityLabel

/** What the model {given.name} recognises, in the order of its logits. */
public enum class {names.activity}(
    override val label: String,
) : ActivityLabel {{
{constants}
}}
"""
    model = f"""package {names.package}

import dev.smldist.recognizer.RecognitionModel

/** The model {given.name} {given.version}. */
public object {names.model} : RecognitionModel<{names.activity}>(
    {kotlin_text(given.name)},
    {kotlin_text(given.version)},
    {kotlin_text(given.pack)},
    {kotlin_text(given.contract)},
    {given.max_gap_s!r},
    {names.activity}.values(),
)
"""
    folder = names.package.replace(".", "/")
    return {f"{folder}/{names.activity}.kt": activity, f"{folder}/{names.model}.kt": model}


def compiled(given: ModelClasses) -> Mapping[str, bytes]:
    """Class files by path.

    Raises:
        ClassFileError: There are too many classes, or the contract is too long.
    """
    folder = given.names.package.replace(".", "/")
    activity, model = (f"{folder}/{name}" for name in (given.names.activity, given.names.model))
    return {f"{activity}.class": _enum(activity, given), f"{model}.class": _object(model, activity, given)}


def kotlin_text(value: str) -> str:
    """A text as Kotlin writes it."""
    return json.dumps(value).replace("$", "\\$")


def _at(operation: bytes, place: int) -> bytes:
    return operation + struct.pack(">H", place)


def _enum(name: str, given: ModelClasses) -> bytes:
    """`public enum class`, as a compiler writes it, but for what Kotlin alone would read."""
    own, array = f"L{name};", f"[L{name};"
    made = ClassFile(
        name, "java/lang/Enum", PUBLIC | FINAL | SUPER | ENUM, (_LABEL,), f"Ljava/lang/Enum<{own}>;L{_LABEL};"
    )
    constants = given.names.constants
    constant = PUBLIC | STATIC | FINAL | ENUM
    made.members = [
        *(Member(access=constant, name=each, descriptor=own) for each in constants),
        Member(access=PRIVATE | STATIC | FINAL | SYNTHETIC, name="$VALUES", descriptor=array),
        Member(access=PRIVATE | FINAL, name="label", descriptor="Ljava/lang/String;"),
        _constructor(made),
        Member(
            access=PUBLIC,
            name="getLabel",
            descriptor="()Ljava/lang/String;",
            code=_ALOAD[:1] + _at(_GETFIELD, made.field_of(name, "label", "Ljava/lang/String;")) + _ARETURN,
            stack=1,
            slots=1,
        ),
        _values(made, array),
        _value_of(made, own),
        _constants(made, own, array, given),
    ]
    return made.to_bytes()


def _constructor(made: ClassFile) -> Member:
    parent = made.method_of("java/lang/Enum", "<init>", "(Ljava/lang/String;I)V")
    code = _ALOAD[:1] + _ALOAD[1:2] + _ILOAD[2:3] + _at(_SPECIAL, parent)
    code += _ALOAD[:1] + _ALOAD[3:] + _at(_PUTFIELD, made.field_of(made.name, "label", "Ljava/lang/String;")) + _RETURN
    return Member(
        access=PRIVATE,
        name="<init>",
        descriptor="(Ljava/lang/String;ILjava/lang/String;)V",
        signature="(Ljava/lang/String;)V",
        code=code,
        stack=3,
        slots=4,
    )


def _values(made: ClassFile, array: str) -> Member:
    code = _at(_GETSTATIC, made.field_of(made.name, "$VALUES", array))
    code += _at(_VIRTUAL, made.method_of(array, "clone", "()Ljava/lang/Object;"))
    code += _at(_CHECKCAST, made.type(array)) + _ARETURN
    return Member(access=PUBLIC | STATIC, name="values", descriptor=f"(){array}", code=code, stack=1)


def _value_of(made: ClassFile, own: str) -> Member:
    find = made.method_of("java/lang/Enum", "valueOf", "(Ljava/lang/Class;Ljava/lang/String;)Ljava/lang/Enum;")
    code = _at(_LDC_W, made.type(made.name)) + _ALOAD[:1] + _at(_STATIC_CALL, find)
    code += _at(_CHECKCAST, made.type(made.name)) + _ARETURN
    return Member(
        access=PUBLIC | STATIC, name="valueOf", descriptor=f"(Ljava/lang/String;){own}", code=code, stack=2, slots=1
    )


def _constants(made: ClassFile, own: str, array: str, given: ModelClasses) -> Member:
    """Makes each constant, then the array of all."""
    make = made.method_of(made.name, "<init>", "(Ljava/lang/String;ILjava/lang/String;)V")
    code = b""
    fields = [made.field_of(made.name, name, own) for name in given.names.constants]
    for place, (name, label) in enumerate(zip(given.names.constants, given.labels, strict=True)):
        code += _at(_NEW, made.type(made.name)) + _DUP + _at(_LDC_W, made.string(name)) + _at(_SIPUSH, place)
        code += _at(_LDC_W, made.string(label)) + _at(_SPECIAL, make) + _at(_PUTSTATIC, fields[place])
    code += _at(_SIPUSH, len(fields)) + _at(_ANEWARRAY, made.type(made.name))
    for place, each in enumerate(fields):
        code += _DUP + _at(_SIPUSH, place) + _at(_GETSTATIC, each) + _AASTORE
    code += _at(_PUTSTATIC, made.field_of(made.name, "$VALUES", array)) + _RETURN
    return Member(access=STATIC, name="<clinit>", descriptor="()V", code=code, stack=5)


def _object(name: str, activity: str, given: ModelClasses) -> bytes:
    """`public object`, with what makes Kotlin see one."""
    own = f"L{name};"
    made = ClassFile(name, _MODEL, PUBLIC | FINAL | SUPER, (), f"L{_MODEL}<L{activity};>;")
    made.annotate(
        "Lkotlin/Metadata;",
        {"mv": _METADATA, "k": (1,), "xi": (48,)},
        {"d1": (_OBJECT,), "d2": (own, f"L{_MODEL};", f"L{activity};", "<init>", "()V")},
    )
    texts = (given.name, given.version, given.pack, given.contract)
    code = _ALOAD[:1] + b"".join(_at(_LDC_W, made.string(text)) for text in texts)
    code += _at(_LDC2_W, made.double(given.max_gap_s))
    code += _at(_STATIC_CALL, made.method_of(activity, "values", f"()[L{activity};"))
    parent = made.method_of(_MODEL, "<init>", f"({'Ljava/lang/String;' * 4}D[Ljava/lang/Enum;)V")
    code += _at(_CHECKCAST, made.type("[Ljava/lang/Enum;")) + _at(_SPECIAL, parent) + _RETURN
    first = _at(_NEW, made.type(name)) + _DUP + _at(_SPECIAL, made.method_of(name, "<init>", "()V"))
    first += _at(_PUTSTATIC, made.field_of(name, "INSTANCE", own)) + _RETURN
    made.members = [
        Member(access=PUBLIC | STATIC | FINAL, name="INSTANCE", descriptor=own),
        Member(access=PRIVATE, name="<init>", descriptor="()V", code=code, stack=8, slots=1),
        Member(access=STATIC, name="<clinit>", descriptor="()V", code=first, stack=2),
    ]
    return made.to_bytes()
