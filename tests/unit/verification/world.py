"""A small world: six people, four activities, and a network that really tells them apart."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from factory.contracts.dataset import Floats, Ints
from factory.contracts.window import Channel, Quantity, WindowSpec

LABELS = ("sit", "stand", "walk", "run")
GRAVITY = ((0.0, 9.81, 0.0), (0.0, 0.0, 9.81), (0.0, 0.0, 9.81), (0.0, 0.0, 9.81))
SWING = (0.05, 0.05, 2.0, 6.0)
STRIDE_HZ = (0.0, 0.0, 2.0, 3.0)
LENGTH = 64


def make_spec() -> WindowSpec:
    channels = [
        Channel(name=f"{name}_{axis}", quantity=quantity, axis=axis, unit=unit, gravity=gravity, placement="waist")
        for name, quantity, unit, gravity in (
            ("acc", Quantity.ACCELEROMETER, "m/s^2", True),
            ("gyro", Quantity.GYROSCOPE, "rad/s", False),
        )
        for axis in ("x", "y", "z")
    ]
    return WindowSpec(channels=tuple(channels), rate_hz=50, length=LENGTH, hop=32, labels=LABELS, axes="phone")


def motion(rng: np.random.Generator, label: int) -> Floats:
    """One window (6, T): gravity, a stride of the activity's frequency and strength, sensor noise."""
    time = np.arange(LENGTH) / 50
    phase, tilt = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.1, 3)
    swing = SWING[label] * rng.uniform(0.8, 1.2) * np.sin(2 * np.pi * STRIDE_HZ[label] * time + phase)
    acceleration = (np.array(GRAVITY[label]) * (1 + tilt))[:, None] + np.outer([0.3, 0.2, 1.0], swing)
    rotation = np.outer([0.1, 0.3, 0.2], swing)
    signal = np.concatenate([acceleration, rotation]) + rng.normal(0, 0.05, (6, LENGTH))
    return np.asarray(signal, dtype=np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Softmax regression on each channel's mean and log deviation, fitted by least squares: takes raw SI units."""

    weight: Floats
    bias: Floats
    centre: Floats
    spread: Floats

    def __call__(self, x: Floats) -> Floats:
        features = (features_of(x) - self.centre) / self.spread
        return np.asarray(features @ self.weight + self.bias, dtype=np.float32)


def features_of(x: Floats) -> Floats:
    return np.concatenate([x.mean(2), np.log(x.std(2) + 1e-3)], axis=1)


def fit(x: Floats, y: Ints) -> Network:
    features = features_of(x)
    centre, spread = features.mean(0), features.std(0)
    design = np.column_stack([(features - centre) / spread, np.ones(len(x))])
    solved = np.linalg.lstsq(design, 8 * np.eye(len(LABELS))[y] - 4, rcond=None)[0].astype(np.float32)
    return Network(weight=solved[:-1], bias=solved[-1], centre=centre, spread=spread)


class NetworkRunner:
    """A real, if small, runtime: executes any function of windows and costs a known time."""

    def __init__(
        self, run: Callable[[Floats], Floats], cost_us: float = 100.0, drift: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.name = "numpy"
        self._run = run
        self._cost_us = cost_us
        self._drift = drift

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def run(self, windows: Floats) -> Floats:
        return self._run(windows)

    def latency_us(self, window: Floats, runs: int) -> Floats:
        return np.array([self._cost_us + self._drift() for _ in range(runs)], dtype=np.float32)

    def layer_names(self) -> tuple[str, ...]:
        return ("features", "logits")

    def layers(self, window: Floats) -> dict[str, Floats]:
        return {"features": features_of(window[None]), "logits": self._run(window[None])}
