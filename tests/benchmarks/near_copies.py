"""How far real people are from near copies, and what finding copies costs: python tests/benchmarks/near_copies.py hapt.

For each recipe, prints the seconds that the search takes on the recipe's split, the largest likeness that any two
people reach, also where recordings are cut into clips, and the smallest that copies of every person reach.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from factory.contracts.dataset import Floats, Ints, WindowSet
from factory.contracts.progress import Silent
from factory.data import make_split, prepare
from factory.data.motion import join
from factory.data.near_copies import LIKE, Match, best_matches, near_copies
from factory.recipes import find_recipe

_COPY = "copy"
_CLIP = 3
"""Windows of a clip."""


def noisy(samples: Floats, rng: np.random.Generator) -> Floats:
    """White noise 20 dB below each channel's variance."""
    noise = rng.normal(size=samples.shape) * samples.std(axis=1, keepdims=True) / 10
    return np.asarray(samples + noise, np.float32)


def trimmed(samples: Floats, rng: np.random.Generator) -> Floats:
    """A number of samples gone that is no multiple of a hop, and noise."""
    return noisy(samples[:, 37:], rng)


def scaled(samples: Floats, rng: np.random.Generator) -> Floats:
    """Each channel by up to 5 %, and noise."""
    return noisy(samples * rng.uniform(0.95, 1.05, (len(samples), 1)).astype(np.float32), rng)


def between(samples: Floats, rng: np.random.Generator) -> Floats:
    """Sampled in the middle between two samples, and noise."""
    return noisy(np.asarray((samples[:, 1:] + samples[:, :-1]) / 2, np.float32), rng)


COPIES = {"noise 20 dB": noisy, "trimmed by 37": trimmed, "scaled by 5 %": scaled, "half a sample later": between}
Change = Callable[[Floats, np.random.Generator], Floats]


def copied(windows: WindowSet, subject: str, change: Change) -> tuple[WindowSet, Ints]:
    """The windows with `subject`'s changed recordings at their end, under another name; and the rows of those."""
    rng = np.random.default_rng(0)
    length, hop = windows.spec.length, windows.spec.hop
    x: list[NDArray[np.float32]] = []
    recording, start = [], []
    for number in np.unique(windows.recording[windows.subject == subject]).tolist():
        rows = np.flatnonzero(windows.recording == number)
        for run in np.split(rows, np.flatnonzero(np.diff(windows.start[rows]) > length) + 1):
            samples = change(join(windows, run), rng)
            begins = np.arange(0, samples.shape[1] - length + 1, hop)
            x += [samples[:, begin : begin + length] for begin in begins]
            recording += [number] * len(begins)
            start += (begins + windows.start[run[0]]).tolist()
    new = np.arange(len(windows.y), len(windows.y) + len(x))
    changed = replace(
        windows,
        x=np.concatenate([windows.x, np.stack(x)]),
        y=np.concatenate([windows.y, np.zeros(len(x), np.int64)]),
        subject=np.concatenate([windows.subject, np.full(len(x), _COPY)]),
        recording=np.concatenate([windows.recording, np.array(recording) + windows.recording.max() + 1]),
        start=np.concatenate([windows.start, np.array(start)]),
    )
    return changed, new


def clips(windows: WindowSet) -> WindowSet:
    """Every three windows a recording of their own."""
    return replace(windows, recording=windows.recording * len(windows.y) + np.arange(len(windows.y)) // _CLIP)


def nearest(windows: WindowSet) -> list[Match]:
    """Best matches of every person in the others, half of the people at a time, most similar first."""
    names = np.unique(windows.subject)
    half = np.isin(windows.subject, names[::2])
    matches = best_matches(windows, np.flatnonzero(half), np.flatnonzero(~half), {})
    return sorted(matches, key=lambda match: -match.likeness)


def report(name: str, data: Path, cache: Path, most: int) -> None:
    """Print one recipe's figures."""
    recipe = find_recipe(name)
    windows = prepare(recipe.data, data, cache, Silent())
    split = make_split(windows, recipe.split, recipe.seed)
    began, worked = time.perf_counter(), time.process_time()
    wrong = near_copies(windows, split.test, np.concatenate([split.train, split.validation]))
    wrong += near_copies(windows, split.validation, split.train)
    seconds, of_cpu = time.perf_counter() - began, time.process_time() - worked
    typer.echo(f"{name}: {len(windows.y)} windows, {seconds:.1f} s, {of_cpu:.1f} s of CPU, {len(wrong)} false alarms")
    groups = (("people", windows), (f"people, clips of {_CLIP} windows", clips(windows)))
    for what, given in groups if most else ():
        matches = nearest(given)
        likeness = max((match.likeness for match in matches), default=0.0)
        agreeing = sum(match.evidence_s > 0 for match in matches)
        typer.echo(f"  {what}: most alike {likeness:.3f}, {agreeing} segments agree (limit {LIKE})")
    subjects = np.unique(windows.subject)[:most].tolist()
    for what, change in COPIES.items() if most else ():
        shares, likenesses = [], []
        for subject in subjects:
            changed, new = copied(windows, subject, change)
            matches = best_matches(changed, new, np.flatnonzero(changed.subject == subject), {})
            likenesses.append(np.median([match.likeness for match in matches]) if matches else 0.0)
            found = near_copies(changed, new, np.flatnonzero(changed.subject != _COPY))
            shares.append(len(found[0].rows) / len(new) if found and found[0].other == subject else 0.0)
        typer.echo(
            f"  {what}: {sum(share > 0 for share in shares)} of {len(shares)} found, "
            f"at least {min(shares):.0%} of windows, median likeness at least {min(likenesses):.3f}"
        )


def main(
    recipes: Annotated[list[str], typer.Argument(help="names or paths")],
    data: Annotated[Path, typer.Option(help="folder of the official data sets")] = Path("data"),
    cache: Annotated[Path, typer.Option(help="folder of prepared windows")] = Path("build/cache"),
    most: Annotated[int, typer.Option(help="people of whom copies are made; 0 measures the cost alone")] = 3,
) -> None:
    """Report on each recipe."""
    for name in recipes:
        report(name, data, cache, most)


if __name__ == "__main__":
    typer.run(main)
