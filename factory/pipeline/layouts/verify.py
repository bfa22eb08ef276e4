"""The winner: the best candidate within the bounds whose exported file is within them, too."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from factory.contracts.errors import GateError, MissingToolError, TrainingError
from factory.contracts.progress import Progress
from factory.contracts.search import Bounds, Candidate, Counted
from factory.pipeline.costs import untrained
from factory.pipeline.layouts.count import count, export_int8
from factory.pipeline.layouts.prices import Prices, excess
from factory.pipeline.request import Run
from factory.quantize.calibration import choose_calibration

_MOST = 5
"""Candidates that are exported before the cost model is taken to be wrong."""
_CALIBRATION = 16


def choose_winner(run: Run, candidates: Sequence[Candidate], bounds: Bounds, prices: Prices) -> tuple[Candidate, str]:
    """Export and count the best candidates, best first, until one is within the bounds.

    Args:
        run: Windows and people that calibrate.
        candidates: All that were trained.
        bounds: What a student may cost; of two candidates of equal macro-F1 the cheaper one is the better.
        prices: Whose head is exported.

    Returns:
        The winner with what was counted, and why it was not counted, if so.

    Raises:
        TrainingError: No trained candidate is predicted to be within the bounds.
        GateError: The files of the best ones are over them.
    """
    within = [candidate for candidate in candidates if candidate.within]
    if not within:
        raise TrainingError(
            f"none of {len(candidates)} trained students is within the bounds: give the search more trials or minutes"
        )
    ranked = sorted(within, key=lambda c: (-c.macro_f1, c.cost.figure(bounds.objective)))[:_MOST]
    over = []
    with run.progress.track("count", None, "files") as bar:
        for candidate in ranked:
            counted, note = _count(run, candidate, prices, run.progress)
            if counted is None:
                return candidate, note
            broken = excess(counted, bounds)
            bar.advance(note=", ".join(f"{core} {number}" for core, number in counted.instructions.items()))
            if not broken:
                return candidate.model_copy(update={"counted": counted}), note
            over.append(f"{max(broken.values()):+.0%}")
    raise GateError(
        f"the files of the {len(over)} best students are over a bound ({', '.join(over)}), which was not predicted: "
        "lower the bound by as much"
    )


def _count(run: Run, candidate: Candidate, prices: Prices, progress: Progress) -> tuple[Counted | None, str]:
    network = untrained(run.recipe, candidate.student, prices.head, prices.channels, prices.classes)
    calibration = choose_calibration(run.windows, run.split.train, _CALIBRATION, run.recipe.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            artifact = export_int8(network, run.recipe.name, run.windows.spec, calibration, folder, progress)
        except MissingToolError as error:
            return None, f"not exported: {error}"
        try:
            return count(artifact, folder, calibration[:1], run.request.cache), ""
        except MissingToolError as error:
            sized = Counted(size_bytes=artifact.size_bytes, instructions={}, runtime="none")
            return sized, f"not counted: {error}"
