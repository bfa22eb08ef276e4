"""Is a build as good as a model that is published already: the gates of `factory verify --baseline`."""

from collections.abc import Mapping

from factory.contracts.artifact import Artifact
from factory.contracts.manifest import Accuracy, Check, Manifest, Outcome
from factory.verification.checks import Gate, check_of, remedied, stated

FILE = "published.file"
DROPS = ("published.accuracy_drop_pp", "published.macro_f1_drop_pp")
_REMEDY = "find out why before it is published, or allow more by verify.max_drop_pp of the recipe"


def judge_published(build: Manifest, measured: Mapping[str, Accuracy], published: Manifest, where: str) -> list[Check]:
    """Whether each published file is in the build and loses no more than the build's recipe allows.

    Args:
        build: Of the build.
        measured: Accuracy of its artifacts by path.
        published: Of the published model.
        where: Names that model, for example 'demo 1.2.0 of models'.
    """
    obstacle = _obstacle(build, published)
    before = {seen.subject: seen.accuracy for seen in published.verifications}
    now = {_kind(artifact): artifact for artifact in build.artifacts}
    checks: list[Check] = []
    for old in published.artifacts:
        new = now.get(_kind(old))
        if new is None:
            checks.append(stated(FILE, old, Outcome.FAILED, where, "the build lacks this file: export it too"))
            continue
        checks.append(stated(FILE, old, Outcome.PASSED, where, ""))
        earlier, later = before.get(old.path), measured.get(new.path)
        why = obstacle or ("" if earlier is not None and later is not None else "accuracy was not measured of both")
        if why or earlier is None or later is None:
            checks += [stated(gate, old, Outcome.NOT_RUN, where, why) for gate in DROPS]
        else:
            checks += _drops(old, where, earlier, later, build.recipe.verify.max_drop_pp)
    return checks


def _obstacle(build: Manifest, published: Manifest) -> str:
    """Why figures of both cannot be compared; empty if they can."""
    if build.contract != published.contract:
        return "the sensor contract is another: publish the build as a new major version"
    if build.data.content_hash != published.data.content_hash:
        return "measured on other windows: compare by hand, the recordings or their preparation changed"
    if build.data.test_subjects != published.data.test_subjects:
        return "measured on other people: compare by hand, the split changed"
    return ""


def _drops(old: Artifact, where: str, earlier: Accuracy, later: Accuracy, limit: float) -> list[Check]:
    gate = Gate(target=old.target, precision=old.precision, where=where)
    checks = []
    for name, was, now in zip(
        DROPS, (earlier.accuracy, earlier.macro_f1), (later.accuracy, later.macro_f1), strict=True
    ):
        check = check_of(gate, name, 100 * (was - now), "<=", limit, "pp", f"{was:.4f} was published, now {now:.4f}")
        checks.append(remedied(check.model_copy(update={"variant": old.variant}), _REMEDY))
    return checks


def _kind(artifact: Artifact) -> tuple[str, str, str]:
    return artifact.target, artifact.precision, artifact.variant
