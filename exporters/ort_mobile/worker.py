"""ONNX Runtime's share of the export, in a process of its own.

python -m exporters.ort_mobile.worker FOLDER PRECISION... reads FOLDER/model.onnx, FOLDER/contract.json and
FOLDER/calibration.npy (N, C, 1, T), and writes FOLDER/<precision>.ort.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporters.process import Done, serve


def convert(folder: Path, precisions: list[str], done: Done) -> None:
    """One .ort file a precision."""
    import onnx
    import onnxruntime

    from exporters.onnx_embedded import describe_graph
    from exporters.ort_mobile.compact import compact

    contract = (folder / "contract.json").read_text("utf-8")
    following = [*precisions[1:], "end"]
    done("import", precisions[0])
    for precision, after in zip(precisions, following, strict=True):
        graph = quantise(folder) if precision == "int8_static" else folder / "model.onnx"
        model = onnx.load(graph)
        compact(model.graph)
        del model.metadata_props[:]  # notes of one converter to the next, with names that are gone
        describe_graph(model, contract)
        onnx.save(model, folder / "described.onnx")
        _save(onnxruntime, folder / "described.onnx", folder / f"{precision}.ort")
        done(precision, after)


def _save(onnxruntime: Any, graph: Path, path: Path) -> None:
    """Write a graph in ORT format; optimised as far as every processor has the operators for it."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def quantise(folder: Path) -> Path:
    """A Q/DQ graph: int8 weights (7 bits) a channel, uint8 activations a tensor, min-max; front and head stay float."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    from exporters.handoff import front_length

    model, path = onnx.load(folder / "model.onnx"), folder / "quantised.onnx"
    in_float = _in_float(model.graph, front_length(model))
    # Pre-processing would add foreign operators; its absence prints a warning.
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    quantize_static(
        model,
        path,
        _Windows(folder / "calibration.npy"),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        # 7 bits: x86-64 without VNNI adds two products in 16 bits, which saturates with 8.
        reduce_range=True,
        nodes_to_exclude=in_float,
        calibrate_method=CalibrationMethod.MinMax,
    )
    return path


def _in_float(graph: Any, front: int) -> list[str]:
    """The front of so many nodes (docs/adr/0003), and the head after the last pooling."""
    kinds = [node.op_type for node in graph.node]
    last = len(kinds) - 1 - kinds[::-1].index("GlobalAveragePool")
    return [node.name for node in (*graph.node[:front], *graph.node[last + 1 :])]


class _Windows:
    """What ONNX Runtime asks of a calibration reader: one feed after another, then None."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        self._windows: Iterator[Any] = iter(np.load(path))

    def get_next(self) -> dict[str, Any] | None:
        """The next window (1, C, 1, T)."""
        window = next(self._windows, None)
        return None if window is None else {"imu": window[None]}


if __name__ == "__main__":
    sys.exit(serve(lambda done: convert(Path(sys.argv[1]), sys.argv[2:], done)))
