"""A project on disk made of the watch recordings: each person's exercises one after the other, unlabelled between."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Recording
from factory.contracts.progress import Silent
from factory.data.sources.watch import Watch
from factory.data.thin import Read
from tests.unit.data.tables import COLUMNS, description

STRETCH, PAUSE, RATE_HZ = 500, 50, 50.0
"""Samples of each exercise, and of the unlabelled rest before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mislabelled:
    """A stretch that carries another label than its own, in seconds of its recording."""

    subject: str
    session: str
    begin_s: float
    end_s: float
    label: str


@dataclass(kw_only=True, slots=True)
class Held:
    """One recording: (T, 6) samples, (T,) label names with '' for none, (T,) seconds."""

    samples: Floats
    labels: NDArray[np.str_]
    time_s: NDArray[np.float64]


@dataclass(kw_only=True, slots=True)
class Exercises:
    """Recordings by person and side; change and `write` them."""

    held: dict[tuple[str, str], Held]

    @classmethod
    def of_watch(cls, people: int = 6) -> "Exercises":
        """The first `people` people, two recordings of seven exercises each."""
        parts: dict[tuple[str, str], list[Recording]] = {}
        for recording in Watch().recordings(None, Silent()):
            if int(recording.subject) <= people and len(recording.time_s) >= STRETCH:
                side = "b" if _has(parts.get((recording.subject, "a"), []), recording) else "a"
                parts.setdefault((recording.subject, side), []).append(recording)
        return cls(held={key: _joined(recordings) for key, recordings in parts.items()})

    def mislabel(self, subject: str, session: str, stretch: int, label: str) -> Mislabelled:
        """Give one stretch (counted from 0) another label."""
        begin = PAUSE + stretch * (PAUSE + STRETCH)
        self.held[subject, session].labels[begin : begin + STRETCH] = label
        begin_s = begin / RATE_HZ
        return Mislabelled(
            subject=subject, session=session, begin_s=begin_s, end_s=begin_s + STRETCH / RATE_HZ, label=label
        )

    def pause(self, subject: str, session: str, at: int, seconds: float) -> None:
        """Lose the connection at a sample."""
        self.held[subject, session].time_s[at:] += seconds

    def rename(self, old: str, new: str) -> None:
        """Another name for a person or a label."""
        self.held = {(new if who == old else who, run): held for (who, run), held in self.held.items()}
        for held in self.held.values():
            held.labels[held.labels == old] = new

    def write(self, folder: Path, null: Sequence[str] = ()) -> Path:
        """rows.parquet, data.toml and recipe.toml; the recipe's path. `null` are labels of no class."""
        items = [(who, run, held) for (who, run), held in self.held.items()]
        columns: dict[str, object] = {
            "who": [who for who, _, held in items for _ in held.time_s],
            "run": [run for _, run, held in items for _ in held.time_s],
            "t": np.rint(1000 * np.concatenate([held.time_s for _, _, held in items])).astype(np.int64),
            "activity": [str(name) for _, _, held in items for name in held.labels],
        }
        samples = np.concatenate([held.samples for _, _, held in items])
        columns |= {name: samples[:, place] for place, name in enumerate(COLUMNS)}
        pq.write_table(pa.table(columns), folder / "rows.parquet")
        values = description(file="rows.parquet", labels=None).model_dump(mode="json", exclude_none=True)
        values["labels"]["null"] = list(null)
        (folder / "data.toml").write_text(tomli_w.dumps(values), "utf-8")
        recipe = {
            "name": "mine",
            "summary": "",
            "data": {"source": "table", "description": "data.toml"},
            "split": {"kind": "groups", "groups": 3},
        }
        (folder / "recipe.toml").write_text(tomli_w.dumps(recipe), "utf-8")
        return folder / "recipe.toml"


def reader(samples: Floats) -> Read:
    """Gives rows of an array in memory."""

    def read(begin: int, end: int) -> Floats:
        return samples[begin:end]

    return read


def _has(recordings: list[Recording], other: Recording) -> bool:
    return any(int(item.labels[0]) == int(other.labels[0]) for item in recordings)


def _joined(recordings: list[Recording]) -> Held:
    samples, labels = [], []
    for item in recordings:
        samples += [np.repeat(item.samples[:1], PAUSE, axis=0), item.samples[:STRETCH]]
        labels += [""] * PAUSE + [Watch.labels[int(item.labels[0])]] * STRETCH
    return Held(
        samples=np.concatenate(samples),
        labels=np.array(labels, dtype="<U64"),
        time_s=np.arange(len(labels)) / RATE_HZ,
    )
