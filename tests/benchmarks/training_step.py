"""Time of one training step at batch 128, by form: python tests/benchmarks/training_step.py --threads 1 --form bf16.

The shipped student, the shipped teacher and one of a million parameters at 9 x 128: cross-entropy, fused AdamW, the
allocator set as the loop does. Beside the time stands what share of the processor's float32 multiplications, measured
on one large matrix product, the step reaches; a training step multiplies three times as often as an inference.
"""

import argparse
import itertools
import statistics
import time
from typing import Any

import torch
import typer

from factory.contracts.manifest import NetworkCost
from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, ModelRecipe, StageRecipe, TrainRecipe
from factory.contracts.window import Normalisation
from factory.devices.host import machine
from factory.models import build_network
from factory.models.cost import network_cost
from factory.training.loop import keep_freed_memory
from factory.training.teacher import cross_entropy

_MILLION = BackboneRecipe(
    stem=32,
    stages=tuple(
        StageRecipe(width=w, blocks=b, expansion=4, kernel=5, stride=2) for w, b in ((48, 2), (96, 3), (128, 2))
    ),
    features=256,
    activation="hardswish",
)
_FORMS = ("eager", "contiguous", "bf16", "compiled")
"""'eager' is what trains: float32, channels-last."""
_BATCH, _CHANNELS, _LENGTH, _CLASSES = 128, 9, 128, 6


def step_times_ms(backbone: BackboneRecipe, steps: int, form: str) -> tuple[NetworkCost, list[float]]:
    """Cost of the folded network, and milliseconds of each of `steps` steps after five to warm up."""
    constants = Normalisation(mean=(0.0,) * _CHANNELS, std=(1.0,) * _CHANNELS, clip=6.0)
    network = build_network(
        NetworkSpec(
            backbone=backbone,
            head="linear",
            channels=_CHANNELS,
            window=_LENGTH,
            classes=_CLASSES,
            patterns=8,
            normalisation=constants,
        )
    ).train()
    trained: Any = torch.compile(network) if form == "compiled" else network
    loss = cross_entropy(trained, TrainRecipe())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    if form == "contiguous":
        network.to(memory_format=torch.contiguous_format)
    layout = torch.contiguous_format if form == "contiguous" else torch.channels_last
    x = torch.randn(_BATCH, _CHANNELS, 1, _LENGTH).to(memory_format=layout)
    y = torch.randint(_CLASSES, (_BATCH,))
    times = []
    for _ in range(steps + 5):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=form == "bf16"):
            value = loss(x, y, 0.0)[0]
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        times.append(1000 * (time.perf_counter() - began))
    return network_cost(network), times[5:]


def multiplications_per_ms() -> float:
    """Of float32, by one large matrix product."""
    side = 1024
    left, right = torch.randn(side, side), torch.randn(side, side)
    times = []
    for _ in range(8):
        began = time.perf_counter()
        torch.mm(left, right)
        times.append(1000 * (time.perf_counter() - began))
    return float(side**3 / min(times))


def main() -> None:
    """Print one line a network and form."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40, help="timed steps a network")
    parser.add_argument("--form", action="append", choices=_FORMS, help="may be repeated; default: all")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    keep_freed_memory()
    peak = multiplications_per_ms()
    shipped = ModelRecipe()
    networks = (("student", shipped.student), ("teacher", shipped.teacher), ("million", _MILLION))
    typer.echo(
        "| network | parameters | form | median ms | fastest ms | share of the peak |\n|---|---|---|---|---|---|"
    )
    for (role, backbone), form in itertools.product(networks, options.form or _FORMS):
        cost, times = step_times_ms(backbone, options.steps, form)
        share = 3 * cost.macs * _BATCH / min(times) / peak
        typer.echo(
            f"| {role} | {cost.parameters} | {form} | {statistics.median(times):.1f} | {min(times):.1f} | {share:.0%} |"
        )
    typer.echo(f"\n{options.threads} threads, batch {_BATCH}, {_CHANNELS} x {_LENGTH}; {machine()}")


if __name__ == "__main__":
    main()
