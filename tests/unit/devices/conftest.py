"""What a phone and a board are asked."""

from collections.abc import Callable

import pytest

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.exporter import ExportRequest
from factory.devices.device import Question
from tests.unit.exporters.students import some_windows

Exported = tuple[ExportRequest, tuple[Artifact, ...]]


@pytest.fixture
def question(exported: Callable[[str], Exported]) -> Question:
    """An int8 file of the small student and 16 windows."""
    request, artifacts = exported("tflite")
    artifact = next(a for a in artifacts if a.precision is Precision.INT8_STATIC and not a.variant)
    return Question(artifact=artifact, path=request.build / artifact.path, windows=some_windows(16, seed=4), timed=5)
