"""Single changed bits all over finished files: refused before LiteRT, which some of them would crash, sees them."""

import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exporters.tflite.metadata import require_digest
from exporters.tflite.runner import LiteRTRunner
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.exporter import ExportRequest
from factory.contracts.files import sha256_file
from tests.unit.exporters.students import some_windows

Built = tuple[ExportRequest, tuple[Artifact, ...]]

_OPEN_DAMAGED = """
import sys
from pathlib import Path
import numpy as np
from exporters.tflite.runner import LiteRTRunner
from factory.contracts.errors import ArtifactError
whole, scratch, graph_size = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), int(sys.argv[3])
windows, expected = np.load(sys.argv[4]), np.load(sys.argv[5])
for flip in sys.argv[6:]:
    place, bit = map(int, flip.split(":"))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << bit
    scratch.write_bytes(damaged)
    try:
        with LiteRTRunner(scratch) as runner:
            logits = runner.run(windows)
    except ArtifactError:
        continue
    assert place >= graph_size, f"a graph changed at {flip} was run"
    assert np.array_equal(logits, expected), f"an archive changed at {flip} changed the logits"
print("survived")
"""


@pytest.fixture
def built(exported: Callable[[str], Built]) -> Built:
    return exported("tflite")


def graph_size(path: Path) -> int:
    """Bytes ahead of the archive."""
    with zipfile.ZipFile(path) as files:
        return min(member.header_offset for member in files.infolist())


def flips(path: Path, seed: int) -> list[tuple[int, int]]:
    """Header; one in 97 bytes of the graph, drawn (tables, names, constants, metadata); one in 11 of the archive."""
    rng = random.Random(seed)
    end, size = graph_size(path), path.stat().st_size
    places = [*range(8), *(rng.randrange(first, first + 97) for first in range(8, end - 97, 97)), *range(end, size, 11)]
    return [(place, rng.randrange(8)) for place in places]


@pytest.mark.parametrize("precision", list(Precision))
def test_a_flipped_bit_is_refused_or_harmless_and_never_crashes(
    built: Built, precision: Precision, tmp_path: Path
) -> None:
    path = built[0].build / "tflite" / f"model_{precision}.tflite"
    windows = some_windows(1, seed=4)
    with LiteRTRunner(path) as runner:
        np.save(tmp_path / "logits.npy", runner.run(windows))
    np.save(tmp_path / "windows.npy", windows)
    given = [path, tmp_path / "damaged.tflite", graph_size(path), tmp_path / "windows.npy", tmp_path / "logits.npy"]
    chosen = [f"{place}:{bit}" for place, bit in flips(path, seed=7)]
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_DAMAGED, *map(str, given), *chosen], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "survived\n"), done.stderr[-500:]


def test_every_flipped_bit_changes_the_hash_that_the_manifest_records(built: Built, tmp_path: Path) -> None:
    artifact = built[1][0]
    whole = (built[0].build / artifact.path).read_bytes()
    for place, bit in flips(built[0].build / artifact.path, seed=8)[::20]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        (tmp_path / "m").write_bytes(damaged)
        assert sha256_file(tmp_path / "m") != artifact.sha256


def test_a_graph_under_another_archive_is_refused(built: Built) -> None:
    first, second = ((built[0].build / artifact.path) for artifact in built[1][:2])
    mixed = first.read_bytes()[: graph_size(first)] + second.read_bytes()[graph_size(second) :]
    with pytest.raises(ArtifactError, match=r"corrupt|changed"):
        require_digest(mixed, "mixed")


def test_a_file_of_another_tool_without_archive_can_be_run(built: Built, tmp_path: Path) -> None:
    path = built[0].build / built[1][0].path
    (tmp_path / "bare.tflite").write_bytes(path.read_bytes()[: graph_size(path)])
    with LiteRTRunner(tmp_path / "bare.tflite") as runner:
        assert runner.run(some_windows(1)).shape == (1, 4)
