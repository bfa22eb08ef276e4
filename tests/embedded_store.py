"""Write the store that ships in the wheel, anew, from builds: `make models BUILDS="build/demo build/motionsense"`.

Equal builds give equal bytes: releases are dated as their builds are. Raise a model's version in `VERSIONS` when it
changes after a wheel was released with it.
"""

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

import factory
from factory.artifacts.reader import EMBEDDED
from factory.cli._errors import guarded
from factory.contracts.errors import RecipeError

VERSIONS = {"demo": "1.0.0", "motionsense": "1.0.0", "dsads": "1.0.0"}
"""Of each model that may ship: the terms of its recordings allow it."""
FILES = ("tflite/int8_static", "tflite/fp32", "executorch/int8_static")
"""What an app needs, where a build has it; the golden pack alone would be 0.8 MB."""


def write_store(builds: list[Path], store: Path = EMBEDDED) -> None:
    """Publish builds into a store that takes the place of the one that is there.

    Raises:
        FactoryError: A folder is no build, or may not be published; the old store is then untouched.
    """
    new = store.with_name(f".{store.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        for build in map(factory.open_build, builds):
            _publish(build, new)
        for lock in new.rglob(".lock"):
            lock.unlink()
        shutil.rmtree(store, ignore_errors=True)
        new.rename(store)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _publish(build: factory.Build, store: Path) -> None:
    manifest = build.manifest
    if manifest.name not in VERSIONS:
        raise RecipeError(f"{manifest.name} does not ship: choose from {', '.join(VERSIONS)}")
    created = datetime.fromisoformat(manifest.provenance.created)
    os.environ["SOURCE_DATE_EPOCH"] = str(int(created.timestamp()))
    there = {f"{artifact.target}/{artifact.precision}" for artifact in build.artifacts}
    only = [kind for kind in FILES if kind in there]
    release = factory.publish(build, to=store, version=VERSIONS[manifest.name], only=only)
    size = sum(file.size_bytes for file in release.files)
    as_shipped = manifest.recipe == factory.load_recipe(manifest.name)
    note = "" if as_shipped else f"; not by `factory build {manifest.name}`: its recipe is another"
    print(f"{release.name} {release.version}: {', '.join(only)}, {size / 1000:.0f} kB{note}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(guarded(lambda: write_store([Path(name) for name in sys.argv[1:]]), debug=False))
