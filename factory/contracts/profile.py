"""*.profile.json beside an artifact: the time each of its operators took on the exporting host."""

from pydantic import Field

from factory.contracts.base import Contract

PROFILE_SUFFIX = ".profile.json"


class OperatorTime(Contract):
    """One operator, in execution order."""

    name: str = Field(description="the runtime's, with its ordinal among operators of that kind")
    kind: str = Field(description="without the ordinal, to sum over")
    mean_us: float = Field(ge=0, description="over all runs, of whole microseconds: short ones look shorter")
    share: float = Field(ge=0, le=1, description="of the sum over operators")


class Profile(Contract):
    """Mean time of each operator over `runs` inferences of one window, one thread."""

    where: str
    runs: int
    total_us: float = Field(description="median of the whole inference as the runtime saw it, traced")
    operators: tuple[OperatorTime, ...]
