"""A verified build against a published model."""

from factory.contracts.manifest import Check
from factory.contracts.release import NAME
from factory.pipeline.pull import find_model
from factory.pipeline.result import Build, VerifyResult
from factory.verification.published import judge_published


def against(build: Build, result: VerifyResult, baseline: str) -> tuple[Check, ...]:
    """Judge a build by the model that was published before it.

    Args:
        build: From `open_build`.
        result: Of its verification; where that had no recordings, the manifest's accuracy counts.
        baseline: STORE, STORE/NAME@VERSION, or NAME@VERSION of the store that ships with this tool.

    Raises:
        ArtifactError: No such model or version, or it was changed.
        StorageError: The store cannot be read.
    """
    store, reference = split_baseline(baseline, build.manifest.name)
    found = find_model(reference, store)
    measured = {
        seen.subject: seen.accuracy
        for seen in (*build.manifest.verifications, *result.verifications)
        if seen.accuracy is not None
    }
    where = f"{found.release.name} {found.release.version} of {found.store.address}"
    return tuple(judge_published(build.manifest, measured, found.published, where))


def split_baseline(baseline: str, name: str) -> tuple[str | None, str]:
    """Store and NAME[@VERSION]; without the latter it is the latest of the build's own name.

    A last part with an '@' names a model, as demo@1.0.0 or demo@latest.
    """
    store, slash, last = baseline.rstrip("/").rpartition("/")
    if NAME.fullmatch(last.partition("@")[0]) and "@" in last:
        return (store if slash else None), last
    return baseline, name
