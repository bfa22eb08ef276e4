"""Java class files, as far as generated classes without branches need them (JVM specification, chapter 4).

Classes are of version 55 (Java 11). Methods run straight on: such code needs no stack map.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

PUBLIC, PRIVATE, STATIC, FINAL, SUPER, INTERFACE = 0x1, 0x2, 0x8, 0x10, 0x20, 0x200
SYNTHETIC, ENUM = 0x1000, 0x4000
LONGEST_TEXT = 65535
"""Bytes of a constant text."""
_MAGIC, _VERSION = 0xCAFEBABE, 55
_LONGEST_CODE = 65535


class ClassFileError(ValueError):
    """What was asked for does not fit a class file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A field, or a method with its code.

    Attributes:
        access: Flags.
        name: Unqualified.
        descriptor: As the JVM writes types.
        code: Instructions of a method; None for a field.
        stack: Values that the code pushes at most, a double counting twice.
        slots: Local variables.
        signature: With type arguments, where it has some.
    """

    access: int
    name: str
    descriptor: str
    code: bytes | None = None
    stack: int = 0
    slots: int = 0
    signature: str | None = None


@dataclass(slots=True)
class ClassFile:
    """One class; its methods' code refers to constants by the numbers that the functions below return.

    Attributes:
        name: With slashes.
        parent: The class it extends.
        access: Flags.
        interfaces: Those it implements.
        signature: With type arguments, where it has some.
        members: Fields and methods.
    """

    name: str
    parent: str
    access: int
    interfaces: Sequence[str] = ()
    signature: str | None = None
    members: list[Member] = field(default_factory=list)
    _constants: dict[bytes, int] = field(default_factory=dict)
    _count: int = 1
    _annotations: list[bytes] = field(default_factory=list)

    def text(self, value: str) -> int:
        """A text as such."""
        content = modified_utf8(value)
        if len(content) > LONGEST_TEXT:
            raise ClassFileError(f"a text of {len(content)} bytes, a class holds at most {LONGEST_TEXT}: {value:.40}")
        return self._constant(struct.pack(">BH", 1, len(content)) + content)

    def string(self, value: str) -> int:
        """A java.lang.String."""
        return self._constant(struct.pack(">BH", 8, self.text(value)))

    def double(self, value: float) -> int:
        """A number of two slots."""
        return self._constant(struct.pack(">Bd", 6, value), 2)

    def integer(self, value: int) -> int:
        """A whole number."""
        return self._constant(struct.pack(">Bi", 3, value))

    def type(self, name: str) -> int:
        """A class, an interface or an array."""
        return self._constant(struct.pack(">BH", 7, self.text(name)))

    def field_of(self, owner: str, name: str, descriptor: str) -> int:
        """A field to read or write."""
        return self._member(9, owner, name, descriptor)

    def method_of(self, owner: str, name: str, descriptor: str) -> int:
        """A method of a class to call."""
        return self._member(10, owner, name, descriptor)

    def annotate(self, kind: str, numbers: dict[str, Sequence[int]], texts: dict[str, Sequence[str]]) -> None:
        """An annotation that is visible at run time; a value of one number is a number, any other an array."""
        pairs: list[bytes] = []
        for name, values in numbers.items():
            each = [b"I" + struct.pack(">H", self.integer(value)) for value in values]
            content = each[0] if len(each) == 1 else b"[" + struct.pack(">H", len(each)) + b"".join(each)
            pairs.append(struct.pack(">H", self.text(name)) + content)
        for name, given in texts.items():
            each = [b"s" + struct.pack(">H", self.text(value)) for value in given]
            pairs.append(struct.pack(">H", self.text(name)) + b"[" + struct.pack(">H", len(each)) + b"".join(each))
        self._annotations.append(struct.pack(">HH", self.text(kind), len(pairs)) + b"".join(pairs))

    def to_bytes(self) -> bytes:
        """The class file.

        Raises:
            ClassFileError: Too many constants or instructions.
        """
        head = struct.pack(">HHHH", self.access, self.type(self.name), self.type(self.parent), len(self.interfaces))
        head += b"".join(struct.pack(">H", self.type(name)) for name in self.interfaces)
        fields = [self._written(member) for member in self.members if member.code is None]
        methods = [self._written(member) for member in self.members if member.code is not None]
        tables = b"".join(struct.pack(">H", len(table)) + b"".join(table) for table in (fields, methods))
        attributes = self._signature(self.signature)
        if self._annotations:
            content = struct.pack(">H", len(self._annotations)) + b"".join(self._annotations)
            attributes.append(self._attribute("RuntimeVisibleAnnotations", content))
        tail = struct.pack(">H", len(attributes)) + b"".join(attributes)
        if self._count > LONGEST_TEXT:
            raise ClassFileError(
                f"{self.name} has {self._count} constants, at most {LONGEST_TEXT} fit: name fewer classes"
            )
        constants = struct.pack(">IHHH", _MAGIC, 0, _VERSION, self._count) + b"".join(self._constants)
        return constants + head + tables + tail

    def _written(self, member: Member) -> bytes:
        attributes = self._signature(member.signature)
        if member.code is not None:
            if len(member.code) > _LONGEST_CODE:
                raise ClassFileError(
                    f"{self.name}.{member.name} has {len(member.code)} bytes of code: name fewer classes"
                )
            code = struct.pack(">HHI", member.stack, member.slots, len(member.code)) + member.code
            attributes.append(self._attribute("Code", code + struct.pack(">HH", 0, 0)))
        names = struct.pack(">HHH", member.access, self.text(member.name), self.text(member.descriptor))
        return names + struct.pack(">H", len(attributes)) + b"".join(attributes)

    def _signature(self, signature: str | None) -> list[bytes]:
        if signature is None:
            return []
        return [self._attribute("Signature", struct.pack(">H", self.text(signature)))]

    def _attribute(self, name: str, content: bytes) -> bytes:
        return struct.pack(">HI", self.text(name), len(content)) + content

    def _member(self, tag: int, owner: str, name: str, descriptor: str) -> int:
        both = self._constant(struct.pack(">BHH", 12, self.text(name), self.text(descriptor)))
        return self._constant(struct.pack(">BHH", tag, self.type(owner), both))

    def _constant(self, content: bytes, slots: int = 1) -> int:
        if content not in self._constants:
            self._constants[content] = self._count
            self._count += slots
        return self._constants[content]


def modified_utf8(value: str) -> bytes:
    """A text as class files hold it: NUL in two bytes, each half of a surrogate pair by itself."""
    units = value.encode("utf-16-be", "surrogatepass")
    parts = bytearray()
    for (unit,) in struct.iter_unpack(">H", units):
        if 0 < unit < 0x80:
            parts.append(unit)
        elif unit < 0x800:
            parts += bytes((0xC0 | unit >> 6, 0x80 | unit & 0x3F))
        else:
            parts += bytes((0xE0 | unit >> 12, 0x80 | unit >> 6 & 0x3F, 0x80 | unit & 0x3F))
    return bytes(parts)
