"""A synthetic build: every figure is made up, only its shape is real."""

import json
from pathlib import Path

import numpy as np

from factory.contracts.artifact import Artifact, Precision, Quantisation, SideFile, TensorInfo
from factory.contracts.manifest import (
    Accuracy,
    Baseline,
    BuildFile,
    Check,
    DataSummary,
    Latency,
    Manifest,
    MixedWindows,
    NetworkCost,
    Outcome,
    Parity,
    Provenance,
    ReliabilityBin,
    Training,
    Verification,
)
from factory.contracts.recipe import DataRecipe, Recipe
from factory.contracts.window import Channel, Normalisation, Quantity, WindowSpec
from factory.verification.golden import GoldenPack, spec_hash, write_golden

LABELS = ("walking", "walking_upstairs", "walking_downstairs", "sitting", "standing", "laying")
SUBJECTS = ("2", "4", "9", "10", "12", "13", "18", "20", "24")
SIZES = {
    Precision.FP32: 185_312,
    Precision.FP16: 98_144,
    Precision.INT8_DYNAMIC: 93_008,
    Precision.INT8_STATIC: 100_416,
}
LATENCY_US = {Precision.FP32: 31.6, Precision.FP16: 31.9, Precision.INT8_DYNAMIC: 33.9, Precision.INT8_STATIC: 27.6}
SCALE = {Precision.FP32: -5.6, Precision.FP16: -2.8, Precision.INT8_DYNAMIC: -1.6, Precision.INT8_STATIC: -0.7}
RIGHT = {Precision.FP32: 0.981, Precision.FP16: 0.981, Precision.INT8_DYNAMIC: 0.980, Precision.INT8_STATIC: 0.978}
FLIPS = {Precision.FP32: 0, Precision.FP16: 0, Precision.INT8_DYNAMIC: 1, Precision.INT8_STATIC: 3}
HOST = "host x86_64, LiteRT 2.3.0"


def contract(labels: tuple[str, ...] = LABELS) -> WindowSpec:
    triads = (("acc", Quantity.ACCELEROMETER, "m/s^2", True), ("gyro", Quantity.GYROSCOPE, "rad/s", False))
    channels = tuple(
        Channel.model_validate(
            {
                "name": f"{short}_{axis}",
                "quantity": quantity,
                "axis": axis,
                "unit": unit,
                "gravity": gravity,
                "placement": "waist",
            }
        )
        for short, quantity, unit, gravity in triads
        for axis in "xyz"
    )
    axes = "phone held upright: x to the right, y up, z out of the screen, as Android reports them"
    return WindowSpec(channels=channels, rate_hz=50, length=128, hop=64, labels=labels, axes=axes)


def accuracy(right: float, labels: tuple[str, ...] = LABELS, seed: int = 0) -> Accuracy:
    random = np.random.default_rng(seed)
    size = len(labels)
    confusion = np.zeros((size, size), dtype=int)
    for truth in range(size):
        wrong = round(490 * (1 - right) * random.uniform(0.3, 1.7))
        confusion[truth, truth] = 490 - wrong
        confusion[truth, (truth + 1) % size] += wrong - wrong // 4
        confusion[truth, (truth + 2) % size] += wrong // 4
    per_class = {label: round(float(1 - (1 - right) * random.uniform(0.3, 1.7)), 4) for label in labels}
    subjects = {subject: round(float(1 - (1 - right) * random.uniform(0.1, 2.5)), 4) for subject in SUBJECTS}
    return Accuracy(
        windows=490 * size,
        accuracy=right,
        macro_f1=right - 0.001,
        macro_f1_low=max(right - 0.018, 0.0),
        macro_f1_high=min(right + 0.009, 1.0),
        per_class_f1=per_class,
        per_subject_f1=subjects,
        worst_subject=min(subjects, key=lambda subject: subjects[subject]),
        ece=0.021,
        reliability=reliability(right, 490 * size),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def reliability(right: float, windows: int) -> tuple[ReliabilityBin, ...]:
    """Nine bins of fifteen, most windows in the last, all a little too confident."""
    edges = np.linspace(0, 1, 16)
    shares = np.asarray([0.002, 0.004, 0.006, 0.009, 0.012, 0.018, 0.03, 0.06, 0.859])
    return tuple(
        ReliabilityBin(
            low=float(low),
            high=float(low) + 1 / 15,
            windows=max(round(windows * share), 1),
            confidence=float(low) + 1 / 30,
            accuracy=min(max(float(low) - 0.05 + right / 15, 0.0), 1.0),
        )
        for low, share in zip(edges[6:15], shares, strict=True)
    )


def poor(labels: tuple[str, ...] = LABELS) -> Accuracy:
    """A student that never recognises the second class and lies below the example's baseline."""
    made = accuracy(0.9, labels, 3)
    confusion = [list(row) for row in made.confusion]
    confusion[1] = [490, *[0] * (len(labels) - 1)]
    f1 = {**made.per_class_f1, labels[1]: 0.0}
    return made.model_copy(
        update={
            "accuracy": 0.75,
            "macro_f1": 0.731,
            "macro_f1_low": 0.642,
            "macro_f1_high": 0.802,
            "per_class_f1": f1,
            "confusion": tuple(tuple(row) for row in confusion),
        }
    )


def with_student(made: Manifest, student: Accuracy) -> Manifest:
    """The same build, every artifact as good as `student`."""
    found = tuple(item.model_copy(update={"accuracy": student}) for item in made.verifications)
    return made.model_copy(update={"verifications": found})


def parity(exponent: float, flips: int, windows: int = 256) -> Parity:
    edges = np.linspace(-9, 1, 41)
    middle = (edges[:-1] + edges[1:]) / 2
    counts = np.round(400 * np.exp(-(((middle - exponent + 0.9) / 0.6) ** 2)) * (middle < exponent)).astype(int)
    share = 1 - flips / windows
    return Parity(
        windows=windows,
        max_abs=float(10**exponent),
        mean_abs=float(10 ** (exponent - 0.9)),
        sqnr_db=-20 * exponent + 14,
        cosine=1 - 10 ** (2 * exponent - 2),
        top1_agreement=share,
        flips=flips,
        agreement_low=max(share - 0.015, 0),
        agreement_high=min(share + 0.006, 1),
        histogram_edges=tuple(float(edge) for edge in edges),
        histogram_counts=tuple(int(count) for count in counts),
    )


def artifact(precision: Precision) -> Artifact:
    scale = Quantisation(scale=(0.1,), zero_point=(3,)) if precision is Precision.INT8_STATIC else None
    return Artifact(
        target="tflite",
        precision=precision,
        path=f"tflite/model_{precision}.tflite",
        sha256=f"{list(Precision).index(precision) + 1:x}" * 64,
        size_bytes=SIZES[precision],
        inputs=(TensorInfo(name="imu", shape=(1, 1, 128, 6), dtype="float32", layout="1, 1, time, channel"),),
        outputs=(TensorInfo(name="logits", shape=(1, 6), dtype="float32", layout="1, class", quantisation=scale),),
        tool="onnx2tf 1.28.8",
        runtime="LiteRT 2.3.0",
    )


def verification(precision: Precision, labels: tuple[str, ...] = LABELS) -> Verification:
    median = LATENCY_US[precision]
    return Verification(
        subject=f"tflite/model_{precision}.tflite",
        precision=precision,
        runner="LiteRT 2.3.0 (XNNPACK)",
        parity=parity(SCALE[precision], FLIPS[precision]),
        accuracy=accuracy(RIGHT[precision], labels, list(Precision).index(precision)),
        latency=Latency(runs=300, median_us=median, p05_us=median * 0.97, p95_us=median * 1.2),
    )


def checks() -> tuple[Check, ...]:
    made = []
    for precision in Precision:
        limit = 1.0 if precision is Precision.FP32 else 0.98
        share = 1 - FLIPS[precision] / 256
        for gate, value, relation, bound, unit in (
            ("parity.top1_agreement", share, ">=", limit, ""),
            ("accuracy.drop_pp", 100 * (RIGHT[Precision.FP32] - RIGHT[precision]), "<=", 0.3, "pp"),
        ):
            made.append(
                Check.model_validate(
                    {
                        "gate": gate,
                        "target": "tflite",
                        "precision": precision,
                        "outcome": "passed",
                        "value": value,
                        "relation": relation,
                        "limit": bound,
                        "unit": unit,
                        "where": HOST,
                    }
                )
            )
    return tuple(made)


def failing() -> tuple[Check, ...]:
    """A broken gate and one that could not run."""
    return (
        Check(
            gate="accuracy.drop_pp",
            target="tflite",
            precision=Precision.INT8_STATIC,
            outcome=Outcome.FAILED,
            value=1.42,
            relation="<=",
            limit=0.3,
            unit="pp",
            where=HOST,
            note="first diverging layer stem/conv: calibrate with more windows, or train with quantisation",
        ),
        Check(
            gate="crosscheck.max_abs",
            target="tflite",
            precision=Precision.FP32,
            outcome=Outcome.NOT_RUN,
            where=HOST,
            note="litert-torch is not installed: factory doctor --install crosscheck",
        ),
    )


def manifest(labels: tuple[str, ...] = LABELS) -> Manifest:
    spec = contract(labels)
    conversion = tuple(
        Verification(subject=subject, runner=runner, parity=parity(exponent, 0), accuracy=accuracy(0.981, labels))
        for subject, runner, exponent in (
            ("eager", "PyTorch 2.14.1", -6.4),
            ("folded", "PyTorch 2.14.1", -5.9),
            ("onnx", "ONNX Runtime 1.31.1", -5.7),
        )
    )
    return Manifest(
        name="hapt",
        provenance=Provenance(
            factory="0.1.0",
            git="0123456789abcdef0123456789abcdef01234567",
            python="3.11.2",
            machine="x86_64, 2 cores, Linux",
            packages={"torch": "2.14.1", "tensorflow": "2.21.0", "ai-edge-litert": "2.3.0", "numpy": "2.4.6"},
            created="2026-11-22T10:00:00Z",
        ),
        recipe=Recipe(
            name="hapt",
            summary="Six activities of daily life from raw phone samples at the waist (synthetic example).",
            data=DataRecipe(source="hapt"),
        ),
        contract=spec,
        normalisation=Normalisation(
            mean=(9.2, -0.31, 0.57, 0.004, -0.002, 0.01), std=(2.1, 3.9, 3.4, 0.52, 0.41, 0.36), clip=6
        ),
        phone_obstacles=(),
        data=DataSummary(
            content_hash="ab" * 32,
            train_subjects=tuple(str(number) for number in range(25, 42)),
            validation_subjects=("1", "3", "5", "6"),
            test_subjects=SUBJECTS,
            windows={"train": 6021, "validation": 1331, "test": 490 * len(labels)},
            classes={
                part: {label: number + 7 * place for place, label in enumerate(labels)}
                for part, number in (("train", 986), ("validation", 204), ("test", 490))
            },
            lost={"windows of mixed labels": 412, "segments shorter than a window": 3},
        ),
        training=Training(
            head="hopfield",
            head_search={"linear": 0.951, "hopfield": 0.958, "cosine": 0.949, "mlp": 0.955},
            teacher=accuracy(0.985, labels, 9),
            student_cost=NetworkCost(parameters=42_310, macs=661_248, peak_activation_bytes=28_672),
            teacher_cost=NetworkCost(parameters=970_442, macs=6_912_000, peak_activation_bytes=147_456),
            device="cpu",
            seconds=512.0,
        ),
        artifacts=tuple(artifact(precision) for precision in Precision),
        files=(
            BuildFile(path="onnx/model.onnx", sha256="e" * 64, size_bytes=176_004),
            BuildFile(path="golden.npz", sha256="f" * 64, size_bytes=803_221),
        ),
        baseline=Baseline(
            kind="gradient_boosting",
            validation={"gradient_boosting": 0.931, "extra_trees": 0.925},
            features=168,
            seconds=6.2,
            accuracy=accuracy(0.94, labels, 11),
            majority=accuracy(0.2, labels, 12),
        ),
        mixed=MixedWindows(windows=118, mean_purity=0.713, accuracy=accuracy(0.962, labels, 13)),
        conversion=conversion,
        verifications=tuple(verification(precision, labels) for precision in Precision),
        checks=checks(),
    )


def with_second_target(made: Manifest) -> Manifest:
    """The same build with a second target of two precisions, one of them twice, and a third that failed."""
    kinds = ((Precision.FP32, ""), (Precision.FP32, "batch8"), (Precision.INT8_STATIC, ""))
    labels, artifacts, verifications, more = made.contract.labels, [], [], []
    for precision, variant in kinds:
        path = f"jetson/model_{precision}{variant}.onnx"
        artifacts.append(
            artifact(precision).model_copy(
                update={"target": "jetson", "variant": variant, "path": path, "beside": (_beside(path),)}
            )
        )
        verifications.append(
            verification(precision, labels).model_copy(update={"subject": path, "runner": "ONNX Runtime 1.31.1 (CPU)"})
        )
        share = checks()[0].model_copy(update={"target": "jetson", "precision": precision, "variant": variant})
        more.append(share.model_copy(update={"outcome": Outcome.FAILED, "value": 0.9}) if variant else share)
    refused = Check(
        gate="export",
        target="executorch",
        outcome=Outcome.FAILED,
        where="host x86_64",
        note="executorch, step lower: XNNPACK takes 3 parts of the graph, expected 1 whole",
    )
    return made.model_copy(
        update={
            "artifacts": made.artifacts + tuple(artifacts),
            "verifications": made.verifications + tuple(verifications),
            "checks": (*made.checks, *more, refused),
        }
    )


def _beside(path: str) -> SideFile:
    return SideFile(path=f"{path}.record.json", sha256="c" * 64, size_bytes=512, what="what the checker found")


def write_golden_pack(build: Path, spec: WindowSpec, wrong: tuple[tuple[int, int], ...]) -> None:
    """Two sine-like windows a class answered rightly, and one for each (truth, answer) of `wrong`."""
    classes, random = len(spec.labels), np.random.default_rng(2)
    pairs = [(truth, truth) for truth in range(classes) for _ in range(2)] + list(wrong)
    count, times = len(pairs), np.arange(spec.length) / spec.rate_hz
    x = random.normal(0, 0.4, (count, len(spec.channels), spec.length))
    x += np.sin(2 * np.pi * 1.8 * times) * random.uniform(0.2, 3, (count, len(spec.channels), 1))
    x[:, 1] += 9.81
    logits = random.normal(0, 0.5, (count, classes))
    logits[np.arange(count), [answer for _, answer in pairs]] += 4
    pack = GoldenPack(
        x=x.astype(np.float32),
        y=np.asarray([truth for truth, _ in pairs]),
        kind=np.asarray(["easy"] * count),
        index=np.arange(count),
        logits=logits.astype(np.float32),
        labels=spec.labels,
        spec_hash=spec_hash(spec),
    )
    write_golden(build / "golden.npz", pack)


def write_epochs(build: Path) -> None:
    """Histories of 40 epochs a network and 8 of the head search."""
    random = np.random.default_rng(1)
    rows: dict[str, list[dict[str, object]]] = {"teacher": [], "student": []}
    for epoch in range(1, 9):
        loss = 0.9 + 2 * float(np.exp(-epoch / 2))
        judged = {"validation_macro_f1": 0.958} if epoch == 8 else {}
        rows["teacher"].append({"epoch": epoch, "phase": "search", "loss": loss, "mixture": loss / 2, **judged})
    for epoch in range(1, 41):
        fall = float(np.exp(-epoch / 8) + random.normal(0, 0.004))
        share = {"lr": 3e-3, "seconds": 3.4}
        rows["teacher"].append({"epoch": epoch, "phase": "teacher", "loss": 0.35 + 1.4 * fall, **share})
        terms = {"stage": 0.05 + 0.6 * fall, "memory": 0.02 + 0.2 * fall, "logits": 0.4 + 1.1 * fall}
        rows["student"].append({"epoch": epoch, "phase": "student", "loss": 0.5 + 2 * fall, **terms, **share})
    for who, lines in rows.items():
        (build / who).mkdir(parents=True, exist_ok=True)
        path = build / who / "epochs.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
