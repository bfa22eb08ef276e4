"""Which code made a file: a hash of a stage's own source and of every module of this project that it can reach.

Comments, docstrings and layout do not count, so that only a change of what runs makes a stage run again. Imports are
read from the source, those inside functions too; modules that are named in strings alone, such as workers, are reached
by naming their package.
"""

import ast
import hashlib
import inspect
import textwrap
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("factory", "exporters", "jetson")
_PARSING = threading.Lock()
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_hash(stage: Callable[..., object], *modules: str) -> str:
    """SHA-256 of a function's source, of `modules`, and of all that these import from this project.

    Args:
        stage: The function that runs the stage; itself alone, since its module holds other stages.
        modules: Dotted names; a package stands for all of its modules.

    Raises:
        ModuleNotFoundError: No such module in this project.
    """
    digest = hashlib.sha256(_significant(textwrap.dedent(inspect.getsource(stage))).encode())
    for name in sorted(reachable(*modules)):
        digest.update(f"{name} {_module_hash(name)}\n".encode())
    return digest.hexdigest()


def reachable(*modules: str) -> set[str]:
    """`modules`, the modules of those that are packages, and whatever they import from this project."""
    found: set[str] = set()
    waiting = [name for module in modules for name in _expand(module)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name)
    return found


def _expand(module: str) -> list[str]:
    path, folder = _path(module), ROOT.joinpath(*module.split("."))
    if path is not None and path.name != "__init__.py":
        return [module]
    if path is None and not any(folder.glob("*.py")):  # a folder of scripts needs no __init__.py
        raise ModuleNotFoundError(f"{module} is no module below {ROOT}")
    inside = (file.relative_to(ROOT).with_suffix("").parts for file in folder.rglob("*.py"))
    return [".".join(part for part in parts if part != "__init__") for parts in inside]


@cache
def _path(module: str) -> Path | None:
    """The file of a module beside this project's packages, None for anything else."""
    place = ROOT.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    path = _path(module)
    assert path is not None
    return _parse(path.read_text("utf-8"))


def _parse(source: str) -> ast.Module:
    """One thread at a time: in Python 3.11 two that parse at once end in SystemError (cpython#106905)."""
    with _PARSING:
        return ast.parse(source)


@cache
def _imports(module: str) -> tuple[str, ...]:
    named = (name for name in _named(_tree(module)) if name.partition(".")[0] in PACKAGES)
    return tuple(dict.fromkeys(name for name in named if _path(name) is not None))


def _named(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that an import statement could mean: `from a import b` may mean module a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _module_hash(module: str) -> str:
    return hashlib.sha256(_dump(_tree(module)).encode()).hexdigest()


def _significant(source: str) -> str:
    return _dump(_parse(source))


def _dump(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)
