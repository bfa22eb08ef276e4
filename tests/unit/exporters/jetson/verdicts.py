"""What the checker says of every graph that ships in the onnx package: one line a graph, in onnx_verdicts.txt.

    python -m tests.unit.exporters.jetson.verdicts

writes the table anew, after a change of the rules or of the package; read the differences before they are committed.
"""

from pathlib import Path

import onnx

from exporters.jetson.checker import Device, check_file
from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError

TABLE = Path(__file__).with_name("onnx_verdicts.txt")
GRAPHS = Path(onnx.__file__).parent / "backend" / "test" / "data"


def verdicts() -> str:
    """Per graph its path, and errors and first rule for the GPU in fp16, or that it is refused."""
    lines = [f"# {GRAPHS.relative_to(GRAPHS.parents[3]).as_posix()}: graph, errors, first error or else warning"]
    return "\n".join([*lines, *(_verdict(path) for path in sorted(GRAPHS.rglob("*.onnx")))]) + "\n"


def _verdict(path: Path) -> str:
    name = path.relative_to(GRAPHS).as_posix().removesuffix("/model.onnx")
    try:
        report = check_file(path, Device.GPU, Precision.FP16)
    except ArtifactError:
        return f"{name} refused"
    first = [diagnostic.rule for diagnostic in (*report.errors, *report.diagnostics)[:1]]
    return " ".join([name, str(len(report.errors)), *first])


if __name__ == "__main__":
    TABLE.write_text(verdicts(), "utf-8")
