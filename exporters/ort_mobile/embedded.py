"""What an .ort file says of itself: precision by its operators, labels and contract by its properties."""

from pathlib import Path

from exporters.onnx_embedded import embedded_of
from exporters.ort_mobile.runner import properties
from factory.contracts.artifact import Precision
from factory.contracts.exporter import Embedded

_QUANTISED = (b"QLinear", b"QuantizeLinear")
"""In names of operators, which the format stores as text."""


def held_precision(content: bytes) -> Precision:
    """int8_static where an operator is quantised; the format's readers show no types of tensors."""
    return Precision.INT8_STATIC if any(name in content for name in _QUANTISED) else Precision.FP32


def read_embedded(path: Path) -> Embedded:
    """Precision, labels and contract inside a file.

    Raises:
        ArtifactError: The file is missing or corrupt, or contradicts itself.
    """
    found = properties(path)
    return embedded_of(held_precision(path.read_bytes()), found, path)
