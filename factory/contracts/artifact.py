"""An exported file and its tensors."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from factory.contracts.base import Contract


class Precision(StrEnum):
    """How weights and activations are held."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8_DYNAMIC = "int8_dynamic"
    """int8 weights, float activations."""
    INT8_STATIC = "int8_static"
    """int8 weights and activations, calibrated; the front (normalisation, stem, first stage) stays float."""


class Quantisation(Contract):
    """real = scale * (stored - zero_point), one pair a tensor or a channel."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = Field(default=None, description="quantised axis; None for one pair a tensor")


class TensorInfo(Contract):
    """One input or output of an artifact."""

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "float16", "int8", "int32"]
    layout: str = Field(description="what the axes are, for example '1, 1, time, channel'")
    quantisation: Quantisation | None = None


class SideFile(Contract):
    """A file that a target wrote beside an artifact and that goes with it, such as a calibration cache or a record."""

    path: str = Field(description="relative to the build folder, forward slashes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    what: str = Field(description="what it is for, in a few words")


class Artifact(Contract):
    """An exported file, identified by its hash."""

    target: str = Field(description="tflite, executorch, jetson, ...")
    precision: Precision
    variant: str = Field(default="", description="told apart where one precision has several files, such as 'dla'")
    path: str = Field(description="relative to the build folder, forward slashes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    inputs: tuple[TensorInfo, ...] = Field(min_length=1)
    outputs: tuple[TensorInfo, ...] = Field(min_length=1)
    quantised: tuple[TensorInfo, ...] = Field(default=(), description="int8 tensors inside, in the file's order")
    tool: str = Field(description="converter and version that wrote it")
    runtime: str = Field(description="oldest runtime known to run it, for example LiteRT 2.3.0")
    beside: tuple[SideFile, ...] = Field(default=(), description="files that go with it")
