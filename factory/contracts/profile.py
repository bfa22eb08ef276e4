"""*.profile.json beside an artifact: the time each of its operators took on the exporting host."""

from pydantic import Field

from factory.contracts.base import Contract

PROFILE_SUFFIX = ".profile.json"


class OperatorTime(Contract):
    """One operator, in execution order."""

    name: str = Field(description="the runtime's, with its ordinal among operators of that kind")
    kind: str = Field(description="without the ordinal, to sum over")
    mean_us: float = Field(ge=0, description="each inference counted in whole `resolution_us`, rounded down")
    share: float = Field(ge=0, le=1, description="of the sum over operators")


class Profile(Contract):
    """Mean time of each operator over `runs` inferences of one window, one thread; interruptions are in it."""

    where: str
    runs: int
    total_us: float = Field(description="median of the whole inference as the runtime saw it, traced")
    resolution_us: float = Field(
        default=1.0, gt=0, description="an operator's time is rounded down to a multiple of it: each may lack as much"
    )
    operators: tuple[OperatorTime, ...]
