"""Small real-valued windows, a split and a recipe on which everything runs in seconds. Needs numpy alone."""

import hashlib
from typing import Literal

import numpy as np

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.recipe import (
    AugmentRecipe,
    BackboneRecipe,
    BlockKind,
    DataRecipe,
    DistillRecipe,
    HeadKind,
    MethodName,
    ModelRecipe,
    Recipe,
    SplitRecipe,
    StageRecipe,
    TrainRecipe,
)
from factory.contracts.window import Channel, Quantity, WindowSpec

LABELS = ("still", "walk", "shake")
SUBJECTS = ("s1", "s2", "s3", "s4", "s5", "s6")
TEST_SUBJECTS = ("s5", "s6")
VALIDATION_SUBJECTS = ("s4",)
RATE_HZ = 50.0
LENGTH = 64
HOP = 32
_GRAVITY = 9.81
# Per class: frequency in Hz, amplitude of acceleration in m/s^2 and of angular rate in rad/s.
_MOTION = ((0.0, 0.0, 0.0), (2.0, 3.0, 1.0), (6.0, 9.0, 4.0))


def tiny_spec() -> WindowSpec:
    """Six phone channels, 64 samples at 50 Hz, three classes."""
    kinds: tuple[tuple[str, Quantity, Literal["m/s^2", "rad/s"]], ...] = (
        ("acc", Quantity.ACCELEROMETER, "m/s^2"),
        ("gyro", Quantity.GYROSCOPE, "rad/s"),
    )
    axes: tuple[Literal["x", "y", "z"], ...] = ("x", "y", "z")
    channels = tuple(
        Channel(
            name=f"{prefix}_{axis}",
            quantity=quantity,
            axis=axis,
            unit=unit,
            gravity=quantity is Quantity.ACCELEROMETER,
            placement="wrist",
        )
        for prefix, quantity, unit in kinds
        for axis in axes
    )
    return WindowSpec(
        channels=channels, rate_hz=RATE_HZ, length=LENGTH, hop=HOP, labels=LABELS, axes="Android device axes"
    )


def tiny_windows(each: int = 12, seed: int = 0) -> WindowSet:
    """Windows of six subjects that stand still, walk (2 Hz) and shake (6 Hz).

    Args:
        each: Windows a subject and class; a recording is one subject's windows of one class.
        seed: Of noise, phases and each subject's gait and wearing angle.

    Returns:
        6 * 3 * each windows (C = 6, T = 64), SI units; subjects s5 and s6 are the official test.
    """
    random = np.random.default_rng(seed)
    time_s = np.arange(LENGTH) / RATE_HZ
    x, y, subject, recording, start = [], [], [], [], []
    for person, name in enumerate(SUBJECTS):
        down = random.normal(size=3) * 0.3 + np.array([0.0, 0.0, 1.0])
        down *= _GRAVITY / np.linalg.norm(down)
        pace, strength = random.uniform(0.9, 1.1, size=2)
        for label, (hertz, acceleration, rate) in enumerate(_MOTION):
            for index in range(each):
                phase = 2 * np.pi * (hertz * pace * time_s + random.uniform(size=(6, 1)))
                amplitude = strength * np.repeat([acceleration, rate], 3)[:, None] * random.uniform(0.6, 1.0, (6, 1))
                rest = np.concatenate([down, np.zeros(3)])[:, None]
                x.append(rest + amplitude * np.sin(phase) + 0.1 * random.normal(size=(6, LENGTH)))
                y.append(label)
                subject.append(name)
                recording.append(person * len(LABELS) + label)
                start.append(index * HOP)
    values = np.asarray(x, dtype=np.float32)
    return WindowSet(
        x=values,
        y=np.asarray(y, dtype=np.int64),
        subject=np.asarray(subject),
        recording=np.asarray(recording, dtype=np.int64),
        start=np.asarray(start, dtype=np.int64),
        spec=tiny_spec(),
        official_test=TEST_SUBJECTS,
        content_hash=hashlib.sha256(values.tobytes()).hexdigest(),
        digest=hashlib.sha256(values.tobytes()).hexdigest(),
        lost={},
    )


def tiny_split(windows: WindowSet) -> Split:
    """s1 to s3 train, s4 validates, s5 and s6 test."""
    test = np.isin(windows.subject, TEST_SUBJECTS)
    validation = np.isin(windows.subject, VALIDATION_SUBJECTS)
    return Split(
        train=np.flatnonzero(~test & ~validation),
        validation=np.flatnonzero(validation),
        test=np.flatnonzero(test),
    )


def tiny_recipe(
    *,
    heads: tuple[HeadKind, ...] = ("linear",),
    epochs: int = 2,
    batch: int = 16,
    refit: bool = True,
    teachers: int = 1,
    method: MethodName = "smldist",
    seed: int = 0,
    block: BlockKind = "inverted_residual",
) -> Recipe:
    """A recipe for `tiny_windows`: networks of about a thousand parameters, every loss switched on.

    A student of other blocks than the teacher's strides by 4 in its stem.
    """
    stages = (
        StageRecipe(width=4, blocks=2, expansion=2, kernel=3, stride=1),
        StageRecipe(width=8, blocks=1, expansion=2, kernel=3, stride=2),
    )
    wide = tuple(stage.model_copy(update={"width": 2 * stage.width, "stride": 2}) for stage in stages)
    student = BackboneRecipe(stem=4, stages=stages, features=8, activation="relu", dropout=0.1)
    if block != "inverted_residual":
        plain = tuple(stage.model_copy(update={"expansion": None}) for stage in stages)
        student = student.model_copy(update={"block": block, "stages": plain, "stem_stride": 4})
    return Recipe(
        name="tiny",
        summary="three synthetic motions of six subjects",
        seed=seed,
        data=DataRecipe(source="watch", window=LENGTH, hop=HOP, rate_hz=RATE_HZ),
        split=SplitRecipe(kind="subjects", test_subjects=TEST_SUBJECTS),
        model=ModelRecipe(
            student=student,
            teacher=BackboneRecipe(stem=8, stages=wide, features=16, activation="hardswish", dropout=0.1),
            heads=heads,
        ),
        train=TrainRecipe(
            teachers=teachers,
            teacher_epochs=epochs,
            student_epochs=epochs,
            int8_epochs=1,
            search_epochs=epochs,
            batch=batch,
            lr=1e-2,
            refit=refit,
            augment=AugmentRecipe(shift=4),
        ),
        distill=DistillRecipe(method=method, patterns=2, stage=1.0, memory=0.1),
    )
