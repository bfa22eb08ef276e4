"""A file whose precision is not what it was asked for: refused when it is exported.

A converter may leave in float what it was told to quantise, and say nothing: TensorFlow's int8_dynamic skips every
tensor of fewer than 1024 elements (github.com/tensorflow/tensorflow/issues/40681). Such a file is fp32 by another name.
"""

from factory.contracts.artifact import Precision
from factory.contracts.errors import ExportError


def require_precision(target: str, asked: Precision, held: Precision | None) -> None:
    """Refuse a converted file that holds another precision.

    Args:
        target: For the message.
        asked: What the recipe wants.
        held: What the file's tensors are; None where the format does not tell.

    Raises:
        ExportError: Names both, and what to do.
    """
    if held in (None, asked):
        return
    skips = (
        "; TensorFlow leaves tensors of fewer than 1024 elements in float" if asked is Precision.INT8_DYNAMIC else ""
    )
    raise ExportError(
        f"{target}, step {asked}: the file's tensors are {held}, expected {asked}{skips}: leave {asked} out of "
        "export.precisions, or enlarge the student (model.student.features, stages)"
    )
