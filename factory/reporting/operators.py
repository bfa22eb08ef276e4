"""Where an artifact's time goes, by operator: read from the profiles that targets write beside their files."""

from dataclasses import dataclass
from pathlib import Path

from factory.contracts.profile import PROFILE_SUFFIX, Profile
from factory.contracts.stored import read_json
from factory.reporting.view import Measured

LACKING_SHARE = 0.1
"""Of an inference: where rounding may hide more of it than this, a table of operators would mislead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KindTime:
    """Operators of one kind of an artifact, summed."""

    kind: str
    count: int
    mean_us: float
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiled:
    """An artifact's profile, kinds of operators by falling time.

    `lacking_us` is what rounding down may hide of an inference; where that is too much, `telling` is False.
    """

    name: str
    profile: Profile
    kinds: tuple[KindTime, ...]
    lacking_us: float
    telling: bool


def read_profiles(build: Path, items: tuple[Measured, ...]) -> tuple[Profiled, ...]:
    """Of every artifact that has one.

    Raises:
        ArtifactError: A profile is corrupt.
    """
    found = []
    for item in items:
        for side in item.artifact.beside:
            if side.path.endswith(PROFILE_SUFFIX) and (build / side.path).is_file():
                profile = read_json(Profile, build / side.path)
                lacking = len(profile.operators) * profile.resolution_us
                telling = lacking <= LACKING_SHARE * profile.total_us
                kinds = _kinds(profile)
                found.append(
                    Profiled(name=item.name, profile=profile, kinds=kinds, lacking_us=lacking, telling=telling)
                )
    return tuple(found)


def _kinds(profile: Profile) -> tuple[KindTime, ...]:
    kinds = []
    for kind in dict.fromkeys(operator.kind for operator in profile.operators):
        own = [operator for operator in profile.operators if operator.kind == kind]
        mean, share = sum(operator.mean_us for operator in own), sum(operator.share for operator in own)
        kinds.append(KindTime(kind=kind, count=len(own), mean_us=mean, share=min(share, 1.0)))
    return tuple(sorted(kinds, key=lambda kind: -kind.mean_us))
