"""The layouts that a search chooses from, as named numbers and words; nothing here knows how one is chosen."""

from collections.abc import Mapping, Sequence

from factory.contracts.recipe import BackboneRecipe, StageRecipe

Choice = int | str
Choices = Mapping[str, Sequence[Choice]]
Layout = Mapping[str, Choice]
"""One value of each name of `choices`."""

_BLOCKS = ("plain", "residual", "inverted_residual")
_MOST_BLOCKS = 3


def choices(stages: int) -> dict[str, Sequence[Choice]]:
    """What may be chosen, for a student of so many stages; a range is ordered, a tuple is not.

    The number of stages is given: each learns from the teacher's of the same place. Widths are multiples of what arm64
    kernels compute at once.
    """
    found: dict[str, Sequence[Choice]] = {
        "block": _BLOCKS,
        "stem": range(8, 33, 8),
        "stem_kernel": range(3, 10, 2),
        "stem_stride": (1, 2, 4),
    }
    for index in range(stages):
        found[f"stage{index}_width"] = range(8, 97, 8)
        found[f"stage{index}_blocks"] = range(1, _MOST_BLOCKS + 1)
        found[f"stage{index}_kernel"] = range(3, 8, 2)
        found[f"stage{index}_stride"] = range(1, 3)
        found[f"stage{index}_expansion"] = range(1, 5)
    found["features"] = range(32, 129, 16)
    return found


def smallest(stages: int) -> tuple[Layout, Layout]:
    """The layouts of least cost, with strides and, for windows too short for those, without."""
    least = {name: options[0] for name, options in choices(stages).items()} | {"stem_stride": 4}
    return least | {f"stage{index}_stride": 2 for index in range(stages)}, least


def backbone_of(layout: Layout, student: BackboneRecipe) -> BackboneRecipe:
    """The student that a layout stands for; activation and dropout stay the recipe's.

    An expansion where nothing expands is left out, so that two layouts may be one student.
    """
    expands = layout["block"] == "inverted_residual"
    keys = ("width", "blocks", "kernel", "stride", *(("expansion",) if expands else ()))
    stages = tuple(
        StageRecipe.model_validate({key: layout[f"stage{index}_{key}"] for key in keys})
        for index in range(len(student.stages))
    )
    values = {key: layout[key] for key in ("block", "stem", "stem_kernel", "stem_stride", "features")}
    fixed = {"activation": student.activation, "dropout": student.dropout}
    return BackboneRecipe.model_validate(values | fixed | {"stages": stages})
