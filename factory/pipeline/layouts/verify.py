"""The winner: the best candidate within the bounds whose exported file is within them, too."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from factory.contracts.errors import DeviceError, GateError, MissingToolError, TrainingError
from factory.contracts.search import Bounds, Candidate, Counted
from factory.devices.arm64 import SCHEME
from factory.devices.catalogue import open_devices
from factory.pipeline.costs import untrained
from factory.pipeline.layouts.count import count, export_int8
from factory.pipeline.layouts.prices import Prices, excess
from factory.pipeline.measure import open_runner
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
        DeviceError: The device is set up and does not count.
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
            counted, note = _count(run, candidate, prices)
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


def _count(run: Run, candidate: Candidate, prices: Prices) -> tuple[Counted | None, str]:
    """What the exported file costs; None and why where device or converter are not installed."""
    network = untrained(run.recipe, candidate.student, prices.head, prices.channels, prices.classes)
    calibration = choose_calibration(run.windows, run.split.train, _CALIBRATION, run.recipe.seed)
    try:
        devices = open_devices(SCHEME, run.request.cache, open_runner)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            artifact = export_int8(network, run.recipe.name, run.windows.spec, calibration, folder, run.progress)
            return count(artifact, folder, calibration[:1], devices), ""
    except DeviceError:
        raise
    except MissingToolError as error:
        return None, f"not counted: {error}"
