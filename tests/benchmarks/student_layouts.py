"""Layouts of the student that the benchmarks compare; nothing here needs more than the recipe's contract."""

from typing import Any

from factory.contracts.recipe import BackboneRecipe, StageRecipe
from factory.recipes import find_recipe

BASELINE = "mobilenet"


def plain_layout(
    stem: tuple[int, int, int], *stages: tuple[int, int, int, int], features: int = 96, **more: Any
) -> BackboneRecipe:
    """A student of plain blocks: stem (width, kernel, stride), stages (width, blocks, kernel, stride)."""
    width, kernel, stride = stem
    rows = [
        StageRecipe.model_validate(dict(zip(("width", "blocks", "kernel", "stride"), s, strict=True))) for s in stages
    ]
    values = {"block": "plain", "stem": width, "stem_kernel": kernel, "stem_stride": stride, "stages": rows}
    return BackboneRecipe.model_validate(values | {"features": features, "activation": "relu"} | more)


_BASE = ((32, 1, 5, 2), (64, 1, 5, 2), (64, 1, 3, 1))
_DEEP = ((32, 1, 5, 2), (64, 1, 5, 2), (64, 2, 3, 1))
_SMALL = ((20, 1, 5, 2), (32, 1, 5, 2), (32, 1, 3, 1))
_RESIDUAL = ((32, 1, 5, 2), (56, 2, 5, 2), (56, 1, 3, 1))
LAYOUTS = {
    BASELINE: find_recipe("demo_mobilenet").model.student,
    "plain": plain_layout((16, 5, 2), (24, 1, 5, 2), (48, 1, 5, 2), (64, 2, 3, 1)),
    "plain_s": plain_layout((16, 5, 2), (24, 1, 5, 2), (48, 1, 5, 2), (64, 1, 3, 1)),
    "plain_m": plain_layout((12, 5, 2), (24, 1, 5, 2), (48, 1, 5, 2), (64, 1, 3, 1), features=64),
    "plain_40": plain_layout((16, 5, 2), (24, 1, 5, 2), (40, 1, 5, 2), (64, 1, 3, 1), features=80),
    "plain_40f": plain_layout((16, 5, 2), (24, 1, 5, 2), (40, 1, 5, 2), (64, 1, 3, 1), features=64),
    "plain_56": plain_layout((16, 5, 2), (24, 1, 5, 2), (40, 1, 5, 2), (56, 1, 3, 1), features=80),
    "plain_48": plain_layout((16, 5, 2), (24, 1, 5, 2), (48, 1, 5, 2), (48, 1, 3, 1), features=80),
    "plain_n": plain_layout((12, 5, 2), (20, 1, 5, 2), (48, 1, 5, 2), (64, 1, 3, 1)),
    "s4b": plain_layout((16, 9, 4), *_BASE),
    "s4b_d": plain_layout((16, 9, 4), *_DEEP),
    "s4b_xs": plain_layout((12, 9, 4), *_SMALL, features=48),
    "s4w": plain_layout((24, 9, 4), (40, 1, 5, 2), (64, 1, 5, 2), (64, 1, 3, 1)),
    "s4k": plain_layout((16, 9, 4), (32, 1, 9, 2), (64, 1, 5, 2), (64, 1, 3, 1)),
    "s2s": plain_layout((12, 7, 2), (20, 1, 5, 2), (40, 1, 5, 2), (64, 1, 3, 2)),
    "s2w": plain_layout((16, 7, 2), (24, 1, 5, 2), (48, 1, 5, 2), (64, 1, 3, 2)),
    "s4r": plain_layout((16, 9, 4), *_RESIDUAL, block="residual"),
}
"""mobilenet is the paper's kind; plain_s has one convolution fewer than plain,
plain_m, plain_n and plain_40 to plain_56 are also narrower. s4: the stem strides by 4; b base,
d deeper, xs extra small, w wider, k longer kernels, r residual. s2: the stem and every stage stride by 2; s small,
w wider."""
