"""Median time of one training step at batch 128: python tests/benchmarks/training_step.py --threads 2.

The shipped student and a teacher of about a million parameters at 9 x 128: cross-entropy, fused AdamW, channels-last,
the allocator set as the loop does.
"""

import argparse
import statistics
import time

import torch

from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import BackboneRecipe, ModelRecipe, StageRecipe, TrainRecipe
from factory.contracts.window import Normalisation
from factory.models import build_network
from factory.models.cost import network_cost
from factory.training.loop import keep_freed_memory
from factory.training.teacher import cross_entropy

_TEACHER = BackboneRecipe(
    stem=32,
    stages=tuple(
        StageRecipe(width=w, blocks=b, expansion=4, kernel=5, stride=2) for w, b in ((48, 2), (96, 3), (128, 2))
    ),
    features=256,
    activation="hardswish",
)
_BATCH, _CHANNELS, _LENGTH, _CLASSES = 128, 9, 128, 6


def step_times_ms(backbone: BackboneRecipe, steps: int) -> tuple[int, list[float]]:
    """Parameters of the folded network, and milliseconds of each of `steps` steps after five to warm up."""
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
    loss = cross_entropy(network, TrainRecipe())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    x = torch.randn(_BATCH, _CHANNELS, 1, _LENGTH).to(memory_format=torch.channels_last)
    y = torch.randint(_CLASSES, (_BATCH,))
    times = []
    for _ in range(steps + 5):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss(x, y, 0.0)[0].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        times.append(1000 * (time.perf_counter() - began))
    return network_cost(network).parameters, times[5:]


def main() -> None:
    """Print one line a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40, help="timed steps a network")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    keep_freed_memory()
    for role, backbone in (("teacher", _TEACHER), ("student", ModelRecipe().student)):
        parameters, times = step_times_ms(backbone, options.steps)
        print(  # noqa: T201
            f"{role}: {parameters} parameters, median {statistics.median(times):.1f} ms, fastest {min(times):.1f} ms "
            f"a step of {_BATCH} windows ({_CHANNELS} x {_LENGTH}), {options.threads} threads"
        )


if __name__ == "__main__":
    main()
