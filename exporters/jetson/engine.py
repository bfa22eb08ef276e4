"""The real builder, where the `tensorrt` package is: does it parse the graphs, and does it build them?

An engine built here is thrown away: engines belong to the device and version that built them.
"""

import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.manifest import Check, Outcome

GATE = "engine.build"
OLDEST = (8, 5)
_NOT_HERE = "engine: not run on this machine"


def engine_checks(build: Path, artifacts: tuple[Artifact, ...]) -> tuple[Check, ...]:
    """Parse and build each of the GPU's graphs with TensorRT, or say why that was not done."""
    graphs = [artifact for artifact in artifacts if artifact.variant != "dla"]
    trt, missing = _tensorrt()
    if trt is None:
        return tuple(_check(artifact, Outcome.NOT_RUN, "no TensorRT", f"{_NOT_HERE}: {missing}") for artifact in graphs)
    where = f"TensorRT {trt.__version__}"
    return tuple(_built(trt, build, artifact, where) for artifact in graphs)


def _tensorrt() -> tuple[Any, str]:
    """The module, or None and why it cannot be used. A stub from a package index fails at import in its own ways."""
    if find_spec("tensorrt") is None:
        return None, "the tensorrt package is not installed; on a Jetson it is part of JetPack"
    try:
        import tensorrt as trt

        version = tuple(int(part) for part in trt.__version__.split(".")[:2])
        trt.Builder(trt.Logger(trt.Logger.ERROR))
    except Exception as error:  # whatever a broken installation or a missing driver raises
        return None, f"TensorRT cannot start: {' '.join(str(error).split())[:200]}"
    if version < OLDEST:
        return None, f"TensorRT {trt.__version__} is older than 8.5"
    return trt, ""


def _built(trt: Any, build: Path, artifact: Artifact, where: str) -> Check:
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    # 8.5 needs the flag; where it is gone, every network is so.
    explicit = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    network = builder.create_network(0 if explicit is None else 1 << int(explicit))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse((build / artifact.path).read_bytes()):
        problems = "; ".join(str(parser.get_error(index)) for index in range(parser.num_errors))
        return _check(artifact, Outcome.FAILED, where, f"the parser refuses {artifact.path}: {problems[:300]}")
    config = builder.create_builder_config()
    if artifact.precision is Precision.INT8_STATIC:
        config.set_flag(trt.BuilderFlag.INT8)
    if builder.build_serialized_network(network, config) is None:
        return _check(artifact, Outcome.FAILED, where, f"the builder refuses {artifact.path}: see its log")
    return _check(artifact, Outcome.PASSED, where, "")


def _check(artifact: Artifact, outcome: Outcome, where: str, note: str) -> Check:
    return Check(
        gate=GATE,
        target=artifact.target,
        precision=artifact.precision,
        variant=artifact.variant,
        outcome=outcome,
        where=f"host {platform.machine()}, {where}",
        note=note,
    )
