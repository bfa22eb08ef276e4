"""The checker reads every graph of the onnx package, and says the same of each as when the table was written."""

import pytest

from exporters.jetson.checker import Device, check_file
from factory.contracts.artifact import Precision
from tests.unit.exporters.jetson.verdicts import GRAPHS, TABLE, verdicts


def test_verdicts_are_those_of_the_table() -> None:
    expected = TABLE.read_text("utf-8")
    assert len(expected.splitlines()) > 140
    assert verdicts() == expected, "read the differences, then: python -m tests.unit.exporters.jetson.verdicts"


@pytest.mark.parametrize(("device", "precision"), [(Device.GPU, Precision.INT8_STATIC), (Device.DLA, Precision.FP16)])
def test_every_graph_is_read_for_int8_and_for_the_dla(device: Device, precision: Precision) -> None:
    for path in GRAPHS.rglob("*.onnx"):
        report = check_file(path, device, precision)
        assert (report.coverage is not None) is (device is Device.DLA)
