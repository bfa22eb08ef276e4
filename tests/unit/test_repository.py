"""The repository around the code: documents that tell the truth, locks that can be trusted, a licence."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from factory.cli.app import app
from factory.devices.arm64_setup import LOCK as DEVICE_LOCK
from factory.devices.arm64_setup import pins as device_pins

ROOT = Path(__file__).parents[2]
SCRIPTS = {"Makefile", ".ci/run", ".pre-commit-config.yaml"}
MACHINE_PATHS = re.compile(
    "|".join(("/" + "work/", "/" + "tmp/data", r"\.\./" + "shared", "/" + "root/", "/" + "home/"))
)
ORGANISATION = re.compile(r"\b(sessions?|agents?|engineers?|brief)\b", re.IGNORECASE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMED_DOCUMENT = re.compile(r"\bdocs/[\w./-]+\.md(?:#[\w-]+)?")


def tracked() -> list[Path]:
    """Files of the checkout that git knows or would add."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """Names of a document's headings, as GitHub forms them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(path: Path) -> Iterator[list[str]]:
    """Command lines of a document's console blocks, split into words; redirections are cut off."""
    for language, block in FENCE.findall(path.read_text("utf-8")):
        if language in ("console", "bash", "sh"):
            for line in block.splitlines():
                for command in re.split(r"\s*(?:&&|\||>)\s*", line.removeprefix("$ ").partition(" #")[0].strip()):
                    if command:
                        yield shlex.split(command)


def document_commands(program: str) -> list[tuple[str, list[str]]]:
    return [
        (path.name, words[1:])
        for path in documents()
        for words in commands(path)
        if words and Path(words[0]).name == program
    ]


def refusal(arguments: list[str]) -> str | None:
    """Why the command line does not take these arguments, by its own table of commands and options."""
    command: Any = typer.main.get_command(app)
    while arguments and hasattr(command, "commands"):
        name, *arguments = arguments
        if name not in command.commands:
            return f"no command '{name}'"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h", "--debug"}
    wrong = [word for word in arguments if word.startswith("-") and word not in known]
    return f"no option {', '.join(wrong)}" if wrong else None


def test_factory_commands_in_documents_exist() -> None:
    found = document_commands("factory")
    assert len(found) > 10
    wrong = [(name, shlex.join(words), why) for name, words in found if (why := refusal(words))]
    assert wrong == []


@pytest.mark.parametrize("line", ["bild demo", "data chek hapt", "build demo --oot x"])
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    assert refusal(line.split()) is not None


def test_make_targets_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {word for _, words in document_commands("make") for word in words if "=" not in word}
    assert {"demo", "test"} <= named <= targets


def test_every_link_between_documents_resolves() -> None:
    broken = []
    for path in documents():
        for link in LINK.findall(path.read_text("utf-8")):
            target, _, anchor = link.partition("#")
            if "://" in link:
                continue
            resolved = (path.parent / target).resolve() if target else path
            if not resolved.exists() or (anchor and anchor not in anchors(resolved)):
                broken.append(f"{path.relative_to(ROOT)}: {link}")
    assert broken == []


def test_documents_named_in_the_code_exist() -> None:
    missing = set()
    for path in tracked():
        if path.suffix in (".py", ".toml", ".j2") and path != Path(__file__):
            for named in NAMED_DOCUMENT.findall(path.read_text("utf-8")):
                document, _, anchor = named.partition("#")
                if not (ROOT / document).is_file() or (anchor and anchor not in anchors(ROOT / document)):
                    missing.add(f"{path.relative_to(ROOT)}: {named}")
    assert missing == set()


def test_no_file_names_a_place_on_a_machine() -> None:
    text = {".py", ".md", ".toml", ".j2", ".in", ".yaml", ".lock"}
    found = []
    for path in tracked():
        relative = path.relative_to(ROOT).as_posix()
        if relative != ".ci/run" and (path.suffix in text or relative in SCRIPTS):
            found += [f"{relative}: {hit}" for hit in MACHINE_PATHS.findall(path.read_text("utf-8"))]
    assert found == []


def test_documents_are_about_the_product() -> None:
    """Words in code spans are names of the program; the rest is prose."""
    found = []
    for path in documents():
        prose = re.sub(r"`[^`]*`", "", FENCE.sub("", path.read_text("utf-8")))
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in ORGANISATION.findall(prose)]
    assert found == []


FEW = {"old_runtime.lock": 1, "arm64.lock": 2}
"""Locks that hold fewer packages than any other."""


def locks() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".lock"]


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text("utf-8"), re.MULTILINE))


def unhashed(text: str) -> list[str]:
    """Requirements of a lock without a hash."""
    logical = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n?", "", text, flags=re.MULTILINE))
    return [line.split()[0] for line in logical.splitlines() if line.strip() and "--hash=sha256:" not in line]


def test_locks_pin_and_hash_everything_and_name_no_index() -> None:
    assert {"bootstrap.lock", "dev.lock", "run.lock"} <= {path.name for path in locks()}
    for path in locks():
        text = path.read_text("utf-8")
        assert unhashed(text) == [], path.name
        requirements = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
        assert not re.search(r"index-url|find-links|https?:|file:", requirements), path.name
        assert len(pins(path)) > FEW.get(path.name, 3), path.name


def test_a_requirement_without_a_hash_is_noticed() -> None:
    assert unhashed("a==1 \\\n    --hash=sha256:00\n    # via b\nc==2\n") == ["c==2"]


def test_the_test_environment_is_the_users_and_more() -> None:
    run, dev = pins(ROOT / "requirements/run.lock"), pins(ROOT / "requirements/dev.lock")
    assert run.items() <= dev.items()
    assert "pytest" in dev.keys() - run.keys()


def test_locks_hold_the_pins_of_the_project() -> None:
    extras = project()["project"]["optional-dependencies"]
    exact = dict(
        line.split("==") for name in ("demo", "train", "litert", "tflite") for line in extras[name] if "==" in line
    )
    locked = pins(ROOT / "requirements/run.lock")
    assert {name: locked.get(name.replace("_", "-")) for name in exact} == exact


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert project()["project"]["license"] == "Apache-2.0"


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{project()['project']['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_documents_name_the_android_modules_that_are_made() -> None:
    pom = (ROOT / "android_demo/pom.xml").read_text("utf-8")
    found = re.search(r"<artifactId>smldist-android</artifactId>\s*<version>([\d.]+)</version>", pom)
    assert found is not None
    named = [
        (path.name, module, version)
        for path in documents()
        for module, version in re.findall(r"dev\.smldist:([\w-]+):([\d.]+\d)", path.read_text("utf-8"))
    ]
    assert named
    assert [one for one in named if one[2] != found[1]] == []
    assert [one for one in named if not (ROOT / "android_demo" / one[1]).is_dir()] == []


def test_every_target_is_in_the_import_contract() -> None:
    folders = {f"exporters.{path.parent.name}" for path in (ROOT / "exporters").glob("*/exporter.py")}
    contracts = project()["tool"]["importlinter"]["contracts"]
    listed = next(c["modules"] for c in contracts if c["name"] == "a target never imports another target")
    assert folders == set(listed)


def test_every_package_of_the_factory_is_in_an_import_contract() -> None:
    packages = {f"factory.{path.parent.name}" for path in (ROOT / "factory").glob("*/__init__.py")}
    contracts = project()["tool"]["importlinter"]["contracts"]
    leaf = next(c for c in contracts if c["name"] == "contracts import nobody")
    assert packages == {"factory.contracts", *leaf["forbidden_modules"]} - {"exporters"}


def test_what_is_imported_is_declared() -> None:
    """Third-party modules of the shipped code, against the dependencies and extras."""
    declared = {
        re.split(r"[\[<>=; ]", line)[0].lower().replace("_", "-")
        for lines in (project()["project"]["dependencies"], *project()["project"]["optional-dependencies"].values())
        for line in lines
    }
    distribution = {
        "google": "protobuf",
        "litert_torch": "litert-torch",
        "markupsafe": "jinja2",
        "sklearn": "scikit-learn",
    }
    # litert-torch has its own environment and lock (exporters/tflite/crosscheck.in); tensorrt is part of JetPack.
    apart = {"litert-torch", "tensorrt"}
    used = {
        distribution.get(module, module).replace("_", "-")
        for folder in ("factory", "exporters")
        for path in (ROOT / folder).rglob("*.py")
        for module in imported(path)
    }
    assert used - declared - apart == set()


def imported(path: Path) -> set[str]:
    """Top-level names of the third-party modules a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"factory", "exporters"}


def test_scripts_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / ".ci/run")], check=True)


def test_a_device_runs_the_releases_that_the_host_does() -> None:
    text = (ROOT / "requirements" / "run.lock").read_text("utf-8")
    locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", text, re.MULTILINE))
    assert {pin.package for pin in device_pins()} == {"ai-edge-litert", "executorch", "onnxruntime"}
    for pin in device_pins():
        assert locked[pin.package] == pin.version, f"{DEVICE_LOCK.name} has {pin.package} {pin.version}"
        assert pin.sha256 in text, f"{pin.package}: the wheel's hash is none of requirements/run.lock"
