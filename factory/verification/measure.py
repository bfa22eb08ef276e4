"""Conversion checks: what is measured of each step (eager, folded, ONNX, each artifact).

Every step is compared with the same reference, so the first step that breaks names the step that broke it.
Runners come in entered and ready; nothing here knows a target.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from factory.contracts.artifact import Artifact, Precision
from factory.contracts.dataset import Floats, Ints
from factory.contracts.errors import DataError
from factory.contracts.exporter import Runner
from factory.contracts.manifest import Latency, MixedWindows, Verification
from factory.contracts.window import WindowSpec
from factory.verification.accuracy import measure
from factory.verification.agreement import compare_split
from factory.verification.golden import GoldenPack, require_spec
from factory.verification.localise import first_divergence
from factory.verification.parity import compare

_ROUND = 10


def measure_parity(
    subject: str,
    runner_name: str,
    run: Callable[[Floats], Floats],
    golden: GoldenPack,
    precision: Precision | None = None,
) -> Verification:
    """Parity of one step on the golden pack.

    Args:
        subject: 'eager', 'folded', 'onnx' or an artifact's path.
        runner_name: Runtime and version.
        run: (N, C, T) windows in SI units to (N, K) logits.
        golden: Windows and reference.
        precision: Of an artifact.

    Raises:
        ArtifactError: Logits of a wrong shape, or not finite.
    """
    parity = compare(run(golden.x), golden.logits)
    return Verification(subject=subject, precision=precision, runner=runner_name, parity=parity)


def measure_artifact(
    runner: Runner,
    artifact: Artifact,
    golden: GoldenPack,
    test_x: Floats,
    test_y: Ints,
    subjects: NDArray[np.str_],
    spec: WindowSpec,
    latency: Latency | None = None,
    reference_logits: Floats | None = None,
) -> Verification:
    """Parity on the golden pack, agreement and accuracy on the whole test split, of the same file.

    Args:
        runner: Entered runner of `artifact`.
        artifact: What is verified.
        golden: Windows and reference.
        test_x: (N, C, T) float32, SI units.
        test_y: (N,) class index.
        subjects: (N,) names.
        spec: The sensor contract; the golden pack must be of the same.
        latency: From `alternating_latency`, which needs all precisions at once.
        reference_logits: (N, K) of the reference network on the test split; None measures no agreement there.

    Raises:
        ArtifactError: The pack is of another contract, or logits are of a wrong shape or not finite.
    """
    require_spec(golden, spec)
    step = measure_parity(artifact.path, runner.name, runner.run, golden, artifact.precision)
    logits = runner.run(test_x)
    accuracy = measure(logits, test_y, subjects, spec.labels)
    agreement = None if reference_logits is None else compare_split(logits, reference_logits, test_y, spec)
    return step.model_copy(update={"accuracy": accuracy, "latency": latency, "split_agreement": agreement})


class LabelledWindows(Protocol):
    """What accuracy is measured on."""

    @property
    def x(self) -> Floats:
        """(N, C, T) float32, SI units."""
        ...

    @property
    def y(self) -> Ints:
        """(N,) class index."""
        ...

    @property
    def subject(self) -> NDArray[np.str_]:
        """(N,) names."""
        ...


def measure_mixed(
    run: Callable[[Floats], Floats],
    pure: LabelledWindows,
    mixed: LabelledWindows,
    purity: NDArray[np.float64] | Floats,
    labels: Sequence[str],
) -> MixedWindows | None:
    """Accuracy on every test window, those of more than one label included, which a phone meets and training does not.

    Args:
        run: Of the reference network: windows to (N, K) logits.
        pure: The test split.
        mixed: Windows of test subjects that `data.purity` left out; y is the label of most samples.
        purity: (M,) share of that label, of each mixed window.
        labels: K class names in the order of the logits.

    Returns:
        None where no window is mixed.

    Raises:
        ArtifactError: Logits of a wrong shape, or not finite.
        DataError: `purity` does not fit the mixed windows, or a label is out of range.
    """
    if len(purity) != len(mixed.x):
        raise DataError(f"{len(purity)} purities for {len(mixed.x)} mixed windows: give one a window")
    if len(mixed.x) == 0:
        return None
    logits = np.concatenate([run(pure.x), run(mixed.x)])
    y, subject = np.concatenate([pure.y, mixed.y]), np.concatenate([pure.subject, mixed.subject])
    return MixedWindows(
        windows=len(mixed.x),
        mean_purity=float(np.mean(purity)),
        accuracy=measure(logits, y, subject, labels),
    )


def alternating_latency(runners: Mapping[str, Runner], window: Floats, runs: int) -> dict[str, Latency]:
    """Latency of several artifacts in alternating rounds of ten, so that clock drift and load hit all alike.

    Args:
        runners: Name to entered runner.
        window: (C, T) float32, SI units.
        runs: Timed inferences a runner, rounded up to whole rounds; 300 for a figure to publish.

    Returns:
        Per name: median, 5th and 95th percentile in microseconds.
    """
    times: dict[str, list[Floats]] = {name: [] for name in runners}
    names = list(runners)
    for turn in range(-(-runs // _ROUND)):
        # Each round starts with another runner: going first after the switch is a disadvantage.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(runners[name].latency_us(window, _ROUND))
    return {name: summary(np.concatenate(rounds)) for name, rounds in times.items()}


def explain_parity(reference: Runner, runner: Runner, golden: GoldenPack, logits: Floats, bound: float) -> str:
    """The first diverging layer, on the golden window whose logits differ most.

    Args:
        reference: Entered runner of the graph that still agrees, such as the ONNX hand-off.
        runner: Entered runner of the artifact that failed.
        golden: Windows and reference.
        logits: (N, K) of the artifact on the golden windows.
        bound: Relative error up to which layers count as equal (`Tolerance.layer_error`).
    """
    worst = int(np.abs(logits - golden.logits).max(axis=1).argmax())
    window = golden.x[worst]
    return f"golden window {worst}: " + first_divergence(reference.layers(window), runner.layers(window), bound)


def summary(times: Floats) -> Latency:
    """Median and the 5 % at either end of (R,) microseconds, R > 0."""
    low, median, high = np.percentile(times, [5, 50, 95]).tolist()
    return Latency(runs=len(times), median_us=median, p05_us=low, p95_us=high)
