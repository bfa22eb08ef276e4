"""Runs a command unless all that it reads is as it was when it last passed; `make android` calls it.

    python3 once.py step NAME --reads PATH... --writes PATH... -- COMMAND...
    python3 once.py reactor DIR --reads PATH... -- mvn verify

Files are compared by SHA-256, those that the command wrote, too. `reactor` judges each module of DIR/pom.xml by itself:
one is run again if it, a module that it needs, or anything of --reads changed. A module that is left out has a file
target/unchanged while Maven runs, which with -Dsmldist.once switches on a profile of the parent POM.
`rm -rf android_demo/target/once` makes all run again.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

STATE = Path(__file__).parents[1] / "target" / "once"
GROUP = "dev.smldist"
_POM = "{http://maven.apache.org/POM/4.0.0}"
_MADE = ("target", "__pycache__", ".gradle")
_TOOLS = ("java", "mvn", "zipalign", "apksigner", "g++")
_MARK = "target/unchanged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One module of the reactor.

    Attributes:
        name: Its artifactId.
        folder: Where its POM lies.
        parents: Folders of the POMs that it inherits from, without the root's.
        needs: Names of the modules that it depends on.
    """

    name: str
    folder: Path
    parents: tuple[Path, ...]
    needs: tuple[str, ...]


def digest(paths: Iterable[Path], without: Sequence[Path] = (), words: Sequence[str] = ()) -> str:
    """SHA-256 over names and contents of files, of folders with all that lies in them, and over `words`.

    Args:
        paths: A missing one counts as missing. Folders named in `_MADE` below them are left out.
        without: Folders below them that are left out.
        words: Whatever else decides.
    """
    total = hashlib.sha256(repr([*words, *(os.path.realpath(shutil.which(tool) or "") for tool in _TOOLS)]).encode())
    for path in paths:
        total.update(repr(str(path)).encode())
        for file in _files(path, without):
            total.update(f"{file.relative_to(path)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _files(path: Path, without: Sequence[Path]) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in sorted(path.iterdir()):
            if child.name not in _MADE and child not in without:
                yield from _files(child, without)


def run_step(name: str, reads: Sequence[Path], writes: Sequence[Path], command: Sequence[str]) -> int:
    """Run `command` unless `reads` and `writes` are those of its last success; returns its exit code."""
    record = STATE / name
    given = digest(reads, words=command)
    if _recorded(record) == [given, digest(writes)] and all(path.exists() for path in writes):
        sys.stdout.write(f"{name}: unchanged\n")
        return 0
    record.unlink(missing_ok=True)
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        _record(record, [given, digest(writes)])
    return code


def modules(root: Path) -> tuple[Module, ...]:
    """Those that `root`/pom.xml names."""
    found = []
    for entry in ElementTree.parse(root / "pom.xml").iterfind(f"{_POM}modules/{_POM}module"):  # noqa: S314 (our own)
        folders = list(_inherited(root, root / str(entry.text)))
        poms = [ElementTree.parse(folder / "pom.xml") for folder in folders]  # noqa: S314 (our own)
        needs = tuple(
            dependency.findtext(f"{_POM}artifactId", "")
            for pom in poms
            for dependency in pom.iterfind(f"{_POM}dependencies/{_POM}dependency")
            if dependency.findtext(f"{_POM}groupId") == GROUP
        )
        name = poms[0].findtext(f"{_POM}artifactId", "")
        found.append(Module(name=name, folder=folders[0], parents=tuple(folders[1:]), needs=needs))
    return tuple(found)


def _inherited(root: Path, folder: Path) -> Iterator[Path]:
    """`folder`, and those of the POMs that its POM inherits from, up to the root's."""
    while folder.resolve() != root.resolve():
        yield folder
        pom = ElementTree.parse(folder / "pom.xml")  # noqa: S314 (our own)
        parent = pom.findtext(f"{_POM}parent/{_POM}relativePath", "../pom.xml")
        folder = Path(os.path.normpath(folder / parent)).parent if pom.find(f"{_POM}parent") is not None else root


def run_reactor(root: Path, reads: Sequence[Path], command: Sequence[str]) -> int:
    """Run Maven in `root`, and of what did not change nothing but what the rest needs; returns its exit code."""
    found = modules(root)
    common = digest([root / "pom.xml", root / ".mvn", root / ".editorconfig", *reads], words=command)
    own = _digests(found, common)
    changed = [module for module in found if _recorded(_passed(module)) != [own[module.name], _made(module)]]
    sys.stdout.write(f"changed: {', '.join(module.name for module in changed) or 'nothing'}\n")
    sys.stdout.flush()
    for module in changed:
        _passed(module).unlink(missing_ok=True)
    marks = [module.folder / _MARK for module in found if module not in changed]
    for module in found:
        # One that a killed run left.
        (module.folder / _MARK).unlink(missing_ok=True)
    try:
        for mark in marks:
            mark.touch()
        code = subprocess.run(command, cwd=root, check=False).returncode
    finally:
        for mark in marks:
            mark.unlink(missing_ok=True)
    if code == 0:
        for module in found:
            _record(_passed(module), [own[module.name], _made(module)])
    return code


def _digests(found: Sequence[Module], common: str) -> dict[str, str]:
    """By name, over a module's own files, those of what it needs, and what all have in common."""
    named = {module.name: module for module in found}
    own: dict[str, str] = {}

    def judge(module: Module) -> str:
        if module.name not in own:
            others = [other.folder for other in found if other is not module]
            words = [common, *(judge(named[name]) for name in module.needs)]
            own[module.name] = digest([module.folder, *module.parents], others, words)
        return own[module.name]

    for module in found:
        judge(module)
    return own


def _passed(module: Module) -> Path:
    return STATE / f"module-{module.name}"


def _made(module: Module) -> str:
    """Of what Maven left that other modules and later steps take."""
    target = module.folder / "target"
    files = sorted(path for path in target.iterdir() if path.is_file()) if target.is_dir() else []
    return digest([target / "classes", target / "aar", *files])


def _recorded(path: Path) -> list[str]:
    return path.read_text("ascii").split() if path.is_file() else []


def _record(path: Path, digests: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(digests), "ascii")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: the exit code of the command, 0 where it is not run."""
    parser = argparse.ArgumentParser(description="Run a command unless nothing that it reads has changed.")
    commands = parser.add_subparsers(dest="kind", required=True)
    step, reactor = commands.add_parser("step"), commands.add_parser("reactor")
    step.add_argument("name")
    step.add_argument("--writes", type=Path, nargs="+", required=True)
    reactor.add_argument("root", type=Path)
    for sub in (step, reactor):
        sub.add_argument("--reads", type=Path, nargs="+", required=True)
    given = list(sys.argv[1:] if arguments is None else arguments)
    place = given.index("--") if "--" in given else len(given)
    options, command = parser.parse_args(given[:place]), given[place + 1 :]
    if not command:
        parser.error("no command follows --")
    if options.kind == "step":
        return run_step(options.name, options.reads, options.writes, command)
    return run_reactor(options.root, options.reads, command)


if __name__ == "__main__":
    sys.exit(main())
