"""Layouts of the student on a CUDA card: many trainings side by side, each step one recorded graph.

python tests/benchmarks/layouts_cuda.py pack FOLDER --data DATA         # where the data sets are
python tests/benchmarks/layouts_cuda.py train FOLDER OUT.json [--variants s4b,mobilenet] [--steps 3000] [--seeds 3]
python tests/benchmarks/layouts_cuda.py table OUT.json [--baseline mobilenet]

The folds are those of layouts.py: a recipe's training people in groups, each held out once; test subjects are not even
packed. The step is that of `factory.training.loop` (AdamW, one cycle, the recipe's augmentation, label smoothing),
written for the card: random numbers differ from the CPU's, and with them the figures, as much as another seed's do.
A variant is LAYOUT or LAYOUT:CHANGE+CHANGE. Changes: noshift; reflect (a shift that mirrors the edge instead of
wrapping round); gate (squeeze-and-excitation before the last convolution); drop (dropout 0.3); decay (weight decay
0.05); slow (half the learning rate); mixup (half of each batch mixed windows with mixed labels); kd (distilled on
logits, half of each batch mixed windows, from the three seeds of the layout `teacher`, which is trained first).
What is finished before `--limit` seconds are over is kept in OUT.json, whole seeds first.
"""

import copy
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F

from factory.contracts.files import atomic_write
from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import AugmentRecipe, BackboneRecipe, ModelRecipe, TrainRecipe
from factory.contracts.window import Normalisation
from factory.models.blocks import SqueezeGate
from factory.models.network import Network, build_network
from factory.recipes import find_recipe
from tests.benchmarks.student_layouts import LAYOUTS, plain_layout

Row = dict[str, Any]
_TRAIN = TrainRecipe()
_CLIP = ModelRecipe().clip_sd
_BATCH, _TEACHERS, _TEMPERATURE, _SMOOTHING = 128, 3, 4.0, 0.1
TEACHER = "teacher"
ALL = LAYOUTS | {
    TEACHER: find_recipe("demo_mobilenet").model.teacher,
    "teacher_plain": plain_layout((32, 9, 4), (64, 1, 5, 2), (128, 1, 5, 2), (128, 2, 3, 1), features=128, dropout=0.3),
}
app = typer.Typer(add_completion=False)


@dataclass(kw_only=True)
class Fold:
    """Windows of one data set's training people on the card."""

    name: str
    x: Tensor
    y: Tensor
    people: np.ndarray[Any, Any]
    labels: list[str]
    triads: list[tuple[int, int, int]]
    groups: int

    def held(self, group: int) -> np.ndarray[Any, Any]:
        """Which windows are held out, as layouts.held_out_group deals people."""
        known = np.random.default_rng(5).permutation(np.unique(self.people))
        return np.isin(self.people, known[group :: self.groups])


@app.command()
def pack(
    folder: Path, data: Annotated[Path, typer.Option()], cache: Annotated[Path, typer.Option()] = Path("cache")
) -> None:
    """Write the training people's windows of each set as 16-bit steps of each channel's range."""
    from factory.contracts.progress import Silent
    from factory.data import make_split, prepare
    from factory.recipes import find_recipe
    from factory.training.augment import triads
    from tests.benchmarks.layouts import TASKS

    folder.mkdir(parents=True, exist_ok=True)
    for name, task in TASKS.items():
        recipe = find_recipe(task.recipe, 0)
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"labels": task.labels})})
        source = recipe.data.source
        windows = prepare(recipe.data, None if source == "watch" else data / source, cache, Silent())
        split = make_split(windows, recipe.split, 0)
        known = np.sort(np.concatenate([split.train, split.validation]))
        x = windows.x[known]
        step = np.abs(x).max(axis=(0, 2), keepdims=True) / 32767
        np.savez_compressed(
            folder / f"{name}.npz",
            x=np.round(x / step).astype(np.int16),
            step=step.astype(np.float32),
            y=windows.y[known],
            people=windows.subject[known],
            labels=np.array(windows.spec.labels),
            triads=np.array([triad.indices for triad in triads(windows.spec.channels)]),
            groups=task.groups,
        )


@app.command()
def train(
    folder: Path,
    out: Path,
    variants: Annotated[str, typer.Option()] = "mobilenet,s4b",
    sets: Annotated[str, typer.Option()] = "hapt_6,hapt_12,motionsense,watch,uci_har_6ch",
    steps: Annotated[int, typer.Option(min=1)] = 3000,
    seeds: Annotated[int, typer.Option(min=1)] = 3,
    limit: Annotated[float, typer.Option(help="seconds")] = 520,
    device: Annotated[str, typer.Option()] = "cuda",
) -> None:
    """Train every variant on every set, group and seed, or what fits into the limit."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    ends = time.monotonic() + limit
    rows: list[Row] = json.loads(out.read_text()) if out.exists() else []
    folds = {name: _load(folder / f"{name}.npz", device) for name in sets.split(",")}
    names = variants.split(",")
    weights: dict[tuple[str, int], list[dict[str, Tensor]]] = defaultdict(list)
    first = [name for name in names if not name.endswith(":kd")]
    if len(first) < len(names) and TEACHER not in first:
        first.append(TEACHER)
    second = [name for name in names if name.endswith(":kd")]
    _wave(first, folds, steps, seeds, ends - (0.35 * limit if second else 0), device, weights, rows, out)
    _wave(second, folds, steps, seeds, ends, device, weights, rows, out)
    typer.echo(f"{len(rows)} rows in {out}")


def _wave(
    names: Sequence[str],
    folds: dict[str, Fold],
    steps: int,
    seeds: int,
    ends: float,
    device: str,
    weights: dict[tuple[str, int], list[dict[str, Tensor]]],
    rows: list[Row],
    out: Path,
) -> None:
    began = time.monotonic()
    lanes = []
    for fold in folds.values():
        for name in names:
            cells = [(s, g) for s in range(seeds) for g in range(fold.groups)]
            done = {(row["seed"], row["group"]) for row in rows if (row["set"], row["variant"]) == (fold.name, name)}
            if name == TEACHER:
                done = set()
            lane = Lane(name, fold, steps, [cell for cell in cells if cell not in done], device, weights)
            if lane.cells:
                lane.start()
                lanes.append(lane)
    typer.echo(f"{len(lanes)} graphs after {time.monotonic() - began:.1f} s")
    taken, reported = 0, time.monotonic()
    while lanes and time.monotonic() < ends:
        for lane in list(lanes):
            for _ in range(min(2 if lane.name == TEACHER else 1, steps - lane.taken)):  # what kd waits for goes first
                lane.step()
                taken += 1
            if lane.taken == steps:
                rows.append(lane.finish())
                if not lane.start():
                    lanes.remove(lane)
        if time.monotonic() - reported > 20:
            reported = time.monotonic()
            typer.echo(f"{taken / (reported - began):.0f} steps/s, {len(rows)} rows, {ends - reported:.0f} s left")
            _write(rows, out)
    _write(rows, out)


def _write(rows: list[Row], out: Path) -> None:
    with atomic_write(out) as temporary:
        temporary.write_text(json.dumps(rows))


def _load(path: Path, device: str) -> Fold:
    with np.load(path) as packed:
        x = torch.from_numpy(packed["x"]).to(device).float() * torch.from_numpy(packed["step"]).to(device)
        return Fold(
            name=path.stem,
            x=x,
            y=torch.from_numpy(packed["y"]).long().to(device),
            people=packed["people"],
            labels=packed["labels"].tolist(),
            triads=[(int(a), int(b), int(c)) for a, b, c in packed["triads"]],
            groups=int(packed["groups"]),
        )


@dataclass
class Lane:
    """One variant on one set: a recorded step that its cells (seed, group) use one after the other."""

    name: str
    fold: Fold
    steps: int
    cells: list[tuple[int, int]]
    device: str
    weights: dict[tuple[str, int], list[dict[str, Tensor]]]
    taken: int = 0
    cell: tuple[int, int] = (0, 0)
    graph: Any = None
    stream: Any = None
    teachers: list[Network] = field(default_factory=list)

    def start(self) -> bool:
        """Take the next cell; False where there is none."""
        if not self.cells:
            return False
        self.cell = self.cells.pop(0)
        self.taken = 0
        if self.stream is None:
            self._build()
        self._reset()
        return True

    def _build(self) -> None:
        layout, _, changes = self.name.partition(":")
        self.changes = frozenset(changes.split("+"))
        self.layout = ALL[layout]
        if "drop" in self.changes:
            self.layout = self.layout.model_copy(update={"dropout": 0.3})
        zero = Normalisation(mean=(0.0,) * self.fold.x.shape[1], std=(1.0,) * self.fold.x.shape[1], clip=_CLIP)
        self.net = self._student(zero).train()
        if "kd" in self.changes:
            made = [self._network(ALL[TEACHER], zero).eval() for _ in range(_TEACHERS)]
            self.teachers = [network.requires_grad_(False) for network in made]
        self.std = torch.ones(1, self.fold.x.shape[1], 1, device=self.device)
        self.rate = torch.zeros((), device=self.device)
        self.cursor = torch.zeros(1, dtype=torch.long, device=self.device)
        self.order = torch.zeros(self.steps, _BATCH, dtype=torch.long, device=self.device)
        peak = 0.5 if "slow" in self.changes else 1.0
        rates = [peak * _one_cycle(step / self.steps) for step in range(self.steps)]
        self.rates = torch.tensor(rates, device=self.device)
        cuda = self.device == "cuda"
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(),
            lr=self.rate,
            weight_decay=0.05 if "decay" in self.changes else _TRAIN.weight_decay,
            capturable=cuda,
            fused=cuda,
        )
        if cuda:
            self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                for _ in range(3):
                    self._step()
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream):
                self._step()
            torch.cuda.synchronize()
        else:
            self.stream = "cpu"
            self._step()

    def _student(self, constants: Normalisation) -> Network:
        network = self._network(self.layout, constants)
        if "gate" in self.changes:
            width = network.stage_widths[-1]
            gated = nn.Sequential(SqueezeGate(width, max(8, width // 4)), network.last)
            network.add_module("last", gated.to(self.device))
        return network

    def _network(self, layout: BackboneRecipe, constants: Normalisation) -> Network:
        spec = NetworkSpec(
            backbone=layout,
            head="linear",
            channels=self.fold.x.shape[1],
            window=self.fold.x.shape[2],
            classes=len(self.fold.labels),
            patterns=1,
            normalisation=constants,
        )
        return build_network(spec).to(memory_format=torch.contiguous_format).to(self.device)

    @torch.no_grad()
    def _reset(self) -> None:
        """Weights of this seed, constants and order of this group, into the memory that the graph reads."""
        seed, group = self.cell
        known = np.flatnonzero(~self.fold.held(group))
        x = self.fold.x[torch.from_numpy(known).to(self.device)]
        mean, std = x.mean(dim=(0, 2)), x.std(dim=(0, 2), unbiased=False).clamp_min(1e-3)
        torch.manual_seed(1000 * seed + group)
        fresh = self._student(self.net.spec.normalisation)
        self.net.load_state_dict(fresh.state_dict())
        for network in (self.net, *self.teachers):
            network.normalise.get_buffer("mean").copy_(mean.view(1, -1, 1, 1))
            network.normalise.get_buffer("scale").copy_(1 / std.view(1, -1, 1, 1))
        self.std.copy_(std.view(1, -1, 1))
        states = self.weights[self.fold.name, group]
        for index, network in enumerate(self.teachers):
            network.load_state_dict(states[index % len(states)])
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()
        generator = np.random.default_rng(1000 * seed + group)
        whole = len(known) // _BATCH  # batches an epoch
        epochs = [generator.permutation(known)[: whole * _BATCH] for _ in range(-(-self.steps // whole))]
        self.order.copy_(torch.from_numpy(np.concatenate(epochs)[: self.steps * _BATCH].reshape(self.steps, _BATCH)))
        self.cursor.zero_()
        if self.device == "cuda":
            torch.cuda.synchronize()

    def step(self) -> None:
        """One step of training, queued on the lane's stream."""
        if self.graph is None:
            self._step()
        else:
            with torch.cuda.stream(self.stream):
                self.graph.replay()
        self.taken += 1

    def _step(self) -> None:
        index = self.order.index_select(0, self.cursor).view(-1)
        x = augment(self.fold.x.index_select(0, index), self.fold.triads, self.std, _TRAIN.augment, self.changes)
        y = self.fold.y.index_select(0, index)
        self.rate.copy_(self.rates.index_select(0, self.cursor).view(()))
        loss = self._loss(x.unsqueeze(2), y)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=False)
        self.cursor += 1

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.teachers and "mixup" not in self.changes:
            return F.cross_entropy(self.net(x), y, label_smoothing=_TRAIN.label_smoothing)
        plain = len(x) // 2
        share = torch.rand(len(x) - plain, 1, 1, 1, device=x.device)
        others = torch.rand(len(x) - plain, device=x.device).argsort()
        other = x[plain:].index_select(0, others)
        x = torch.cat([x[:plain], share * x[plain:] + (1 - share) * other])
        if not self.teachers:
            target = torch.eye(len(self.fold.labels), device=x.device).index_select(0, y)
            part = share.view(-1, 1)
            mixed = part * target[plain:] + (1 - part) * target[plain:].index_select(0, others)
            target = torch.cat([target[:plain], mixed])
            return F.cross_entropy(self.net(x), target, label_smoothing=_TRAIN.label_smoothing)
        with torch.no_grad():
            log_p = torch.stack([F.log_softmax(teacher(x), dim=1) for teacher in self.teachers])
            wanted = torch.logsumexp(log_p, dim=0)
        logits = self.net(x)
        soft = F.kl_div(
            F.log_softmax(logits / _TEMPERATURE, dim=1), F.softmax(wanted / _TEMPERATURE, dim=1), reduction="none"
        ).sum(dim=1) * (_TEMPERATURE**2)
        y = y[:plain]
        smooth = F.cross_entropy(logits[:plain], y, label_smoothing=_SMOOTHING, reduction="none")
        hard = F.cross_entropy(logits[:plain], y, label_smoothing=_TRAIN.label_smoothing, reduction="none")
        conditional = torch.where(wanted[:plain].argmax(dim=1) == y, soft[:plain], smooth)
        return torch.cat([0.5 * hard + 0.5 * conditional, soft[plain:]]).mean()

    @torch.no_grad()
    def finish(self) -> Row:
        """Confusion matrices of the held-out people."""
        seed, group = self.cell
        if self.device == "cuda":
            torch.cuda.synchronize()
        held = np.flatnonzero(self.fold.held(group))
        net = copy.deepcopy(self.net).eval()
        x, y = self.fold.x[torch.from_numpy(held).to(self.device)], self.fold.y.cpu().numpy()[held]
        given = torch.cat([net(part.unsqueeze(2)).argmax(dim=1) for part in torch.split(x, 4096)]).cpu().numpy()
        if self.name == TEACHER and len(self.weights[self.fold.name, group]) < _TEACHERS:
            self.weights[self.fold.name, group].append({k: v.clone() for k, v in self.net.state_dict().items()})
        people, classes = self.fold.people[held], len(self.fold.labels)
        matrices = {}
        for person in np.unique(people):
            mine = people == person
            matrices[str(person)] = (
                np.bincount(classes * y[mine] + given[mine], minlength=classes**2).reshape(classes, classes).tolist()
            )
        return {
            "set": self.fold.name,
            "variant": self.name,
            "steps": self.steps,
            "seed": seed,
            "group": group,
            "parameters": sum(p.numel() for p in self.net.parameters()),
            "labels": self.fold.labels,
            "float": matrices,
        }


def _one_cycle(done: float) -> float:
    """As factory.training.loop.one_cycle, which the card's machine cannot import."""
    if done < _TRAIN.warmup:
        return _TRAIN.lr * max(done / _TRAIN.warmup, 1e-3)
    return _TRAIN.lr * max(0.5 * (1 + math.cos(math.pi * (done - _TRAIN.warmup) / (1 - _TRAIN.warmup))), 1e-3)


def augment(
    x: Tensor, triads: Sequence[tuple[int, int, int]], std: Tensor, recipe: AugmentRecipe, changes: frozenset[str]
) -> Tensor:
    """`factory.training.augment` on the card: windows (B, C, T) shifted, rotated, scaled, with noise."""
    count, channels, steps = x.shape
    if "noshift" not in changes:
        offset = torch.randint(-recipe.shift, recipe.shift + 1, (count, 1), device=x.device)
        index = torch.arange(steps, device=x.device) + offset
        index = (steps - 1 - (steps - 1 - index.abs()).abs()) if "reflect" in changes else index % steps
        x = x.gather(2, index[:, None, :].expand_as(x))
    rotation = _rotations(count, recipe.rotation_rad, x.device)
    mixing = torch.eye(channels, device=x.device).repeat(count, 1, 1)
    for first, _, last in triads:
        assert last == first + 2, "the three channels of a sensor lie side by side"
        mixing[:, first : last + 1, first : last + 1] = rotation
    scale = 1 + recipe.scale * (2 * torch.rand(count, 1, 1, device=x.device) - 1)
    return (mixing * scale) @ x + recipe.jitter * std * torch.randn_like(x)


def _rotations(count: int, deviation: float, device: Any) -> Tensor:
    """(count, 3, 3) by Rodrigues' formula, without matrix_exp, which asks the card for its result."""
    vector = torch.randn(count, 3, device=device) * deviation
    angle = vector.norm(dim=1, keepdim=True).clamp_min(1e-6)[:, :, None]
    x, y, z = vector.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).view(count, 3, 3)
    eye = torch.eye(3, device=device)
    turned: Tensor = eye + torch.sin(angle) / angle * cross + (1 - torch.cos(angle)) / angle**2 * (cross @ cross)
    return turned


@app.command()
def table(out: Path, baseline: Annotated[str, typer.Option()] = "mobilenet") -> None:
    """Markdown: macro-F1 over held-out people, and differences to the baseline on the people and seeds of both."""
    rows = json.loads(out.read_text())
    for name in dict.fromkeys(row["set"] for row in rows):
        typer.echo("\n".join(_table(name, [row for row in rows if row["set"] == name], baseline)))


def _table(name: str, rows: list[Row], baseline: str) -> Iterator[str]:
    from factory.contracts.scores import class_f1, macro_f1
    from tests.benchmarks.layouts import difference_interval

    known = {
        variant: {
            (row["seed"], person): np.array(matrix)
            for row in rows
            if row["variant"] == variant
            for person, matrix in row["float"].items()
        }
        for variant in dict.fromkeys(row["variant"] for row in rows)
    }
    yield f"\n{name}, {rows[0]['steps']} steps\n"
    yield "| variant | parameters | people x seeds | macro-F1 | difference, pp | worst class |"
    yield "|---|---|---|---|---|---|"
    for variant, mine in known.items():
        shared = sorted(mine.keys() & known[baseline].keys())
        if not shared:
            continue
        ours, theirs = (np.array([of[key] for key in shared]) for of in (mine, known[baseline]))
        low, high = difference_interval(shared, ours, theirs)
        by_class = class_f1(ours.sum(0)) - class_f1(theirs.sum(0))
        lost = int(by_class.argmin())
        score = macro_f1(ours.sum(0))
        parameters = next(row["parameters"] for row in rows if row["variant"] == variant)
        lead = 100 * (score - macro_f1(theirs.sum(0)))
        worst = f"{rows[0]['labels'][lost]} {100 * by_class[lost]:+.1f}"
        yield (
            f"| {variant} | {parameters} | {len(shared)} | {score:.4f} "
            f"| {lead:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] | {worst} |"
        )


if __name__ == "__main__":
    app()
