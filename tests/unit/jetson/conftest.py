"""An unpacked bundle of the small student."""

from pathlib import Path

import pytest

from tests.unit.devices.boards import ExportedOf, packed
from tests.unit.jetson.scripts import unpack


@pytest.fixture(scope="session")
def unpacked(exported: ExportedOf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed: copy it first."""
    folder = tmp_path_factory.mktemp("board")
    return unpack(packed(exported("jetson"), folder), folder / "bundle")
