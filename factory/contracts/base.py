"""The one base of every model that crosses the disk."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Frozen, and strict about keys: a misspelt key is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
