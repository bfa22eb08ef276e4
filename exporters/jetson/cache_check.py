"""Is calibration.cache what the simulated DLA graph is made of?

Only that graph's logits are verified on a host, and only the cache goes to the board: both must hold the same scales.
"""

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.jetson import graphs
from exporters.jetson.cache import read_cache
from exporters.jetson.quantise import simulate_dla
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Check, Outcome

if TYPE_CHECKING:
    from onnx import ModelProto

GATE = "calibration.cache"

_Scales = dict[tuple[str, str], tuple[float, ...]]
"""Of each tensor and operator (QuantizeLinear, DequantizeLinear)."""


def cache_checks(build: Path, artifacts: tuple[Artifact, ...]) -> tuple[Check, ...]:
    """One check where there is a simulated DLA graph: every tensor has the cache's scale in it.

    Raises:
        ArtifactError: A file is missing or corrupt; names it.
    """
    found = {artifact.precision: artifact for artifact in artifacts if artifact.variant == "dla"}
    simulated, plain = found.get(Precision.INT8_STATIC), found.get(Precision.FP32)
    if simulated is None or plain is None:
        return ()
    scales = read_cache(_text(build, plain))
    dla, graph = graphs.load(build / plain.path), graphs.load(build / simulated.path)
    differing = list(_differences(dla, graph, scales))
    more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
    note = f"{differing[0]}{more}: build the target again" if differing else ""
    return (
        Check(
            gate=GATE,
            target=simulated.target,
            precision=simulated.precision,
            variant=simulated.variant,
            outcome=Outcome.FAILED if differing else Outcome.PASSED,
            value=len(differing),
            relation="==",
            limit=0,
            unit="tensors",
            where=f"host {platform.machine()}, {Path(simulated.path).name}",
            note=note,
        ),
    )


def _text(build: Path, plain: Artifact) -> str:
    caches = [side.path for side in plain.beside if side.path.endswith(".cache")]
    if not caches:
        raise ArtifactError(f"no calibration cache is listed beside {plain.path}: build the target again")
    try:
        return (build / caches[0]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{caches[0]} is missing or no text: build the target again") from error


def _differences(dla: "ModelProto", simulated: "ModelProto", scales: dict[str, float]) -> Iterator[str]:
    """Each tensor whose scale differs, in execution order.

    Tensors inside a layer (a convolution's result ahead of its activation) are rounded by neither graph: their scales
    in the cache are compared with nothing, as a builder that fuses the two reads none of them.

    Args:
        dla: The DLA's graph, which engines are built from.
        simulated: The graph that was verified.
        scales: The cache.
    """
    computed = graphs.producers(dla.graph)
    if unknown := [name for name in scales if name not in computed]:
        yield from (f"{name} is in the cache, and in no graph" for name in unknown)
        return
    expected, got = _rounding(simulate_dla(dla, scales)), _rounding(simulated)
    for tensor, operator in {**expected, **got}:
        one, other = expected.get((tensor, operator)), got.get((tensor, operator))
        if one != other:
            yield f"{operator} of {tensor} has scale {_words(other)}, by the cache it is {_words(one)}"


def _rounding(model: "ModelProto") -> _Scales:
    """The scales by which a graph rounds its tensors."""
    made, values = graphs.producers(model.graph), graphs.constants(model.graph)
    found: _Scales = {}
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            source = made.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
            tensor = node.input[0] if source is None else source.input[0]
            scale = values.get(node.input[1])
            found[tensor, node.op_type] = () if scale is None else tuple(float(one) for one in scale.ravel())
    return found


def _words(scale: tuple[float, ...] | None) -> str:
    if not scale:
        return "none"
    return f"{scale[0]:.6g}" + (f" and {len(scale) - 1} more" if len(scale) > 1 else "")
