"""What an Android app ships of a build: the index of the folder `android/`, which the app reads first."""

from typing import Literal

from pydantic import Field

from factory.contracts.base import Contract


class PackedFile(Contract):
    """One asset, identified by its hash."""

    path: str = Field(description="below the assets, forward slashes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class PackedModel(Contract):
    """One model and the logits that it must give for the windows of selftest.npz, on any phone."""

    path: str = Field(description="as in the manifest")
    max_abs: float = Field(gt=0, description="largest error of a logit that the self-test allows")
    logits: tuple[tuple[float, ...], ...] = Field(description="a row for each self-test window")
    xnnpack_mean_abs: float | None = Field(
        default=None,
        gt=0,
        description="largest mean error of the logits at which XNNPACK's kernels computed them; null where the "
        "runtime's own kernels answer alike, or it has no others",
    )


class Pack(Contract):
    """android/pack.json."""

    schema_version: Literal[1] = 1
    build: str = Field(description="name of the recipe")
    files: tuple[PackedFile, ...]
    models: tuple[PackedModel, ...] = Field(min_length=1)
