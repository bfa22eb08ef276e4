"""A board over ssh: the jetson target's files packed, built and measured there, and the gates brought home."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.artifacts.store import Stage, StageStore
from factory.contracts.artifact import Artifact, Precision
from factory.contracts.code import code_hash
from factory.contracts.device import DeviceReport
from factory.contracts.errors import ArtifactError, RecipeError
from factory.contracts.manifest import Check, Verification
from factory.devices.bundle import Bundle, BundleRequest, TestSplit, pack_bundle
from factory.pipeline.measure import VerifyRequest
from factory.verification.gates import judge_accuracy, judge_parity, output_step

TARGET = "jetson"
FOLDER = "board"
BOARD_GATE = "board.reached"
_ENGINES = "jetson_engine"
"""What tolerances call the engines that a board builds; 'jetson' are the graphs that this host runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """Where engines are built: `ssh://[user@]host[:port]`, and the recipe's name for the bundle."""

    url: str
    name: str


def require_board_target(url: str | None, targets: Sequence[str]) -> None:
    """Refuse before training a board that no target's files are for.

    Raises:
        RecipeError: The jetson target is not among those to export.
    """
    if url is not None and TARGET not in targets:
        raise RecipeError(f"--board {url} builds the files of target {TARGET}, this is for {', '.join(targets)}")


def board_stage(
    store: StageStore,
    board: Board,
    request: VerifyRequest,
    artifacts: Sequence[Artifact],
    verified: Sequence[Verification],
) -> DeviceReport:
    """Measure on the board once for each bundle and board; the engines stay there.

    Raises:
        DeviceError: Unreachable, refused, not fit, or gone in the middle.
    """
    bundle = pack(board, request, artifacts, verified)
    stage = Stage(
        name="board",
        inputs={"code": code_hash(board_stage, "factory.devices", "jetson"), "bundle": bundle.sha256, "url": board.url},
        outputs=(f"{FOLDER}/report.json",),
        result=DeviceReport,
    )
    return store.run(stage, lambda: measure_on_board(board, request, bundle))


def measure_on_board(board: Board, request: VerifyRequest, bundle: Bundle) -> DeviceReport:
    """What the board's scripts report; a broken gate is a failed check in it, not an error.

    Raises:
        DeviceError: Unreachable, refused, not fit, or gone in the middle.
    """
    from factory.devices.remote import run_on_device

    return run_on_device(board.url, bundle, request.build / FOLDER, request.progress)


def pack(
    board: Board, request: VerifyRequest, artifacts: Sequence[Artifact], verified: Sequence[Verification]
) -> Bundle:
    """Write board/bundle.tar: graphs, scripts, golden pack, test split and the limits that the board judges by.

    Raises:
        ArtifactError: The build has no files of the jetson target, or they were not verified here.
    """
    own = tuple(artifact for artifact in artifacts if artifact.target == TARGET)
    seen = {verification.subject: verification for verification in verified}
    if not own or own[0].path not in seen:
        raise ArtifactError(
            f"{request.build} has no verified files of target {TARGET}: factory build --target {TARGET}"
        )
    step = output_step(own[0], request.golden.logits)
    test = TestSplit(x=request.held_out.x, y=request.held_out.y) if request.held_out is not None else None
    precisions = (Precision.FP32, Precision.FP16, Precision.INT8_STATIC)
    contents = BundleRequest(
        build=request.build,
        name=board.name,
        spec=request.spec,
        artifacts=own,
        gates=_gates(precisions, seen[own[0].path], request, step),
        steps=dict.fromkeys(precisions, step),
        test=test,
        reference=request.reference,
    )
    path: Path = request.build / FOLDER / "bundle.tar"
    path.parent.mkdir(exist_ok=True)
    return pack_bundle(contents, path)


def _gates(
    precisions: Sequence[Precision], seen: Verification, request: VerifyRequest, step: float
) -> Mapping[Precision, list[Check]]:
    """The limits that hold for engines, as checks of this host's figures: the board puts in its own."""
    gates = {}
    for precision in precisions:
        gates[precision] = judge_parity(_ENGINES, precision, seen.parity, "", step)
        if request.reference is not None:
            gates[precision] += judge_accuracy(_ENGINES, precision, request.reference, request.reference, "")
    return gates
