"""A few small files that can be published."""

from pathlib import Path

from factory.artifacts.publishing import Draft, publish_draft
from factory.artifacts.pulling import pull_files
from factory.artifacts.reader import open_reader, read_index, read_release
from factory.contracts.progress import Silent
from factory.contracts.release import Pulled, Release

FILES = ("manifest.json", "tflite/model_fp32.tflite", "tflite/model_int8_static.tflite")


def draft(folder: Path, text: str = "one", name: str = "walk", contract: str = "a" * 64) -> Draft:
    """Files whose content depends on `text`, all but the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in FILES:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(f"{path} {'' if path == FILES[0] else text}" * 3)
    return Draft(
        name=name,
        contract=contract,
        terms="MIT",
        commercial_use=True,
        folder=folder,
        files=FILES,
        card=lambda version: f"# {name} {version}\n",
    )


def published(tmp_path: Path, text: str = "one", **more: str) -> Release:
    """Publish into `tmp_path`/store."""
    return publish_draft(tmp_path / "store", draft(tmp_path / f"files-{text}", text, **more))


def pull(store: str | Path, into: Path, version: str | None = None) -> Pulled:
    """All files of a version of 'walk'."""
    reader = open_reader(str(store))
    release = read_release(reader, "walk", read_index(reader, "walk").find(version))
    return pull_files(reader, release, release.files, into, Silent())
