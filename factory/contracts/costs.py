"""costs.json: what an int8_static file costs as a sum over quantities of its operators, fitted on counted files."""

from pydantic import Field

from factory.contracts.base import Contract
from factory.contracts.recipe import Core


class Fitted(Contract):
    """One figure: the sum of quantity times coefficient."""

    coefficients: dict[str, float] = Field(description="by quantity; those that are 0 are left out")
    held_out_error: float = Field(ge=0, description="mean relative error of files that were not fitted on")
    held_out_p95: float = Field(ge=0, description="95 % of them are within this relative error")


class CostModel(Contract):
    """Everything that was fitted, and on what."""

    command: str
    layouts: int = Field(ge=1, description="counted files")
    versions: dict[str, str] = Field(description="of converter, runtime and emulator")
    instructions: dict[Core, Fitted] = Field(description="arm64 instructions of one inference by LiteRT")
    size_bytes: Fitted = Field(description="of the .tflite file, contract and labels included")
