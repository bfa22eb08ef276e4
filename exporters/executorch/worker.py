"""torch.export and ExecuTorch: python -m exporters.executorch.worker FOLDER STUDENT PRECISION...

A process of its own because the imports cost ten seconds, torchao and executorch print past Python, and targets are
to convert side by side. Reads STUDENT (network.json, network.safetensors), FOLDER/calibration.npy (N, C, 1, T) and
FOLDER/contract.json; writes FOLDER/<precision>.pte and what goes beside it.
"""

import sys
from pathlib import Path

import numpy as np

from exporters.executorch.trailer import append_checksum
from exporters.process import Done, serve
from factory.contracts.artifact import Precision
from factory.contracts.base import Contract


def convert(folder: Path, student: Path, precisions: list[str], done: Done) -> None:
    """Capture once, then quantise and lower each precision; the float graph is not changed by quantising it."""
    import torch

    from exporters.executorch import lower
    from exporters.executorch.bundle import CASES, bundle
    from exporters.executorch.profile import profile
    from factory.models import fold, load_network

    torch.manual_seed(0)
    torch.set_num_threads(1)
    calibration = torch.from_numpy(np.load(folder / "calibration.npy"))
    network = lower.plain_layout(fold(load_network(student)))
    methods = lower.describing_methods((folder / "contract.json").read_text("utf-8"))
    done("import", precisions[0])
    for precision, following in zip(precisions, [*precisions[1:], "end"], strict=True):
        graph = lower.capture(network, calibration[:2])
        if precision == Precision.INT8_STATIC:
            graph = lower.quantise(graph, calibration)
        with torch.no_grad():
            logits = graph(calibration[:CASES])
        program, record = lower.lower(graph, calibration[:1], methods)
        record.require_whole(precision)
        path = folder / f"{precision}.pte"
        path.write_bytes(append_checksum(program))
        path.with_suffix(".bpte").write_bytes(bundle(path, calibration[:CASES], logits))
        _write(record, path.with_suffix(".delegation.json"))
        _write(profile(path, calibration[:1]), path.with_suffix(".profile.json"))
        done(precision, following)


def _write(record: Contract, path: Path) -> None:
    path.write_text(record.model_dump_json(indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(serve(lambda done: convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:], done)))
