"""Do the files of a build say the same? Hashes tell that a file is the manifest's, not that the manifest is right.

Each fact stands in several places (labels in the manifest, contract.json, golden pack and model files), and each reader
takes it from another one. Whoever edits one and makes the hashes anew is found here.
"""

from collections.abc import Iterator

import numpy as np

from exporters.registry import load_reader
from factory.contracts.base import Contract
from factory.contracts.dataset import Split, WindowSet
from factory.contracts.errors import ArtifactError, MissingToolError, RecipeError
from factory.contracts.manifest import Manifest, Outcome
from factory.contracts.network import NetworkSpec
from factory.contracts.recipe import load_recipe
from factory.contracts.stored import read_json
from factory.contracts.window import SensorContract
from factory.pipeline.measure import RUN_GATE
from factory.pipeline.result import Build
from factory.pipeline.stages import summarise
from factory.verification.golden import GoldenPack, require_spec

CONVERSION = ("eager", "folded", "onnx")
_REMEDY = "do not ship this build; make it again with factory build"


def require_consistent(build: Build, golden: GoldenPack) -> None:
    """Refuse a build whose files contradict each other.

    Raises:
        ArtifactError: Names the file, the fact, and what each side says.
    """
    manifest = build.manifest
    require_spec(golden, manifest.contract)
    for contradiction in (
        *_contract(build),
        *_network(build),
        *_recipe(build),
        *_measured(manifest),
        *_golden(manifest, golden),
        *_inside(build),
    ):
        raise ArtifactError(f"{build.path}: {contradiction}: {_REMEDY}")


def require_same_data(build: Build, windows: WindowSet, split: Split, golden: GoldenPack) -> None:
    """Refuse a build that says other things of people, windows or contract than the recordings at hand.

    Raises:
        ArtifactError: Names the fact and what each side says.
    """
    for contradiction in (
        *differences("manifest.json", build.manifest.contract, "the recordings", windows.spec),
        *differences("manifest.json", build.manifest.data, "the recordings", summarise(windows, split)),
        *_golden_of(windows, split, golden),
    ):
        raise ArtifactError(f"{build.path}: {contradiction}: {_REMEDY}")


def _contract(build: Build) -> Iterator[str]:
    manifest, contract = build.manifest, read_json(SensorContract, build.path / "contract.json", _REMEDY)
    yield from differences("manifest.json", manifest.contract, "contract.json", contract.window)
    yield from differences("manifest.json", manifest.normalisation, "contract.json", contract.normalisation)
    for name in ("name", "phone_obstacles", "rejection"):
        yield from _differs(name, "manifest.json", getattr(manifest, name), "contract.json", getattr(contract, name))
    obstacles = tuple(manifest.contract.phone_obstacles())
    yield from _differs("phone_obstacles", "manifest.json", manifest.phone_obstacles, "its channels", obstacles)


def _network(build: Build) -> Iterator[str]:
    path, spec = build.path / "student" / "network.json", build.manifest.contract
    network = read_json(NetworkSpec, path, _REMEDY)
    yield from differences("manifest.json", build.manifest.normalisation, "student/network.json", network.normalisation)
    for name, mine, other in (
        ("channels", len(spec.channels), network.channels),
        ("window", spec.length, network.window),
        ("classes", len(spec.labels), network.classes),
    ):
        yield from _differs(name, "manifest.json", mine, "student/network.json", other)


def _recipe(build: Build) -> Iterator[str]:
    manifest = build.manifest
    try:
        recipe = load_recipe(build.path / "recipe.toml")
    except RecipeError as error:
        raise ArtifactError(f"{error}: {_REMEDY}") from error
    yield from differences("manifest.json", manifest.recipe, "recipe.toml", recipe)
    data, spec = manifest.recipe.data, manifest.contract
    for name, mine, other in (
        ("rejection", manifest.recipe.rejection, manifest.rejection),
        ("rate_hz", data.rate_hz, spec.rate_hz),
        ("window", data.window, spec.length),
        ("hop", data.hop, spec.hop),
        ("labels", data.labels or spec.labels, spec.labels),
        ("channels", data.channels or _names(manifest), _names(manifest)),
    ):
        yield from _differs(name, "the recipe", mine, "the contract", other)


def _measured(manifest: Manifest) -> Iterator[str]:
    """What a build always measures; a manifest without it was cut."""
    steps = tuple(step.subject for step in manifest.conversion)
    yield from _differs("conversion", "manifest.json", steps, "a build", CONVERSION)
    if not manifest.artifacts:
        yield "manifest.json lists no artifact, a build has at least one"
    seen = {verification.subject for verification in manifest.verifications}
    not_run = (check for check in manifest.checks if check.outcome is Outcome.NOT_RUN)
    excused = {(check.target, check.precision) for check in not_run if check.gate.startswith("parity.")}
    refused = {check.target for check in manifest.failed if check.gate == RUN_GATE}
    checked = {(check.target, check.precision, check.variant) for check in manifest.checks}
    for artifact in manifest.artifacts:
        if artifact.target in refused:
            continue
        if artifact.path not in seen and (artifact.target, artifact.precision) not in excused:
            yield f"manifest.json has no verification of {artifact.path}"
        if (artifact.target, artifact.precision, artifact.variant) not in checked:
            yield f"manifest.json has no check of {artifact.path}"


def _golden(manifest: Manifest, golden: GoldenPack) -> Iterator[str]:
    tested = manifest.data.windows.get("test", 0)
    expected = min(manifest.recipe.verify.golden_windows, tested)
    yield from _differs("windows", "golden.npz", len(golden.x), "the recipe", expected)
    shape = (len(manifest.contract.channels), manifest.contract.length)
    yield from _differs("channels and samples", "golden.npz", golden.x.shape[1:], "the contract", shape)


def _inside(build: Build) -> Iterator[str]:
    """What stands inside each model file, as far as its format has a place for it and its reader is installed."""
    contract = read_json(SensorContract, build.path / "contract.json", _REMEDY)
    for artifact in build.artifacts:
        try:
            read = load_reader(artifact.target)
        except MissingToolError:  # verification lists this target as not run
            continue
        if read is None:
            continue
        held, where = read(build.path / artifact.path), artifact.path
        if held.precision is not None:
            yield from _differs("precision", "manifest.json", artifact.precision, where, held.precision)
        if held.labels is not None:
            yield from _differs("labels", "manifest.json", build.manifest.contract.labels, where, held.labels)
        if held.contract is not None:
            yield from differences("contract.json", contract, where, held.contract)


def _golden_of(windows: WindowSet, split: Split, golden: GoldenPack) -> Iterator[str]:
    """The golden pack's windows are some of the test people's."""
    if not np.isin(golden.index, split.test).all():
        yield "golden.npz names windows that are not those of the recordings' test people"
    elif not (np.array_equal(golden.x, windows.x[golden.index]) and np.array_equal(golden.y, windows.y[golden.index])):
        yield "golden.npz holds windows or labels that are not those of the recordings"


def _names(manifest: Manifest) -> tuple[str, ...]:
    return tuple(channel.name for channel in manifest.contract.channels)


def differences(here: str, mine: Contract, there: str, other: Contract) -> Iterator[str]:
    """The fields of two contracts of one kind that are not equal, in words."""
    for name in type(mine).model_fields:
        yield from _differs(name, here, getattr(mine, name), there, getattr(other, name))


def _differs(name: str, here: str, mine: object, there: str, other: object) -> Iterator[str]:
    if mine != other:
        mine, other = _first_difference(mine, other)
        says = "say" if there.endswith("s") and " " in there else "says"
        yield f"{name} differs: {here} says {_short(mine)}, {there} {says} {_short(other)}"


def _first_difference(mine: object, other: object) -> tuple[object, object]:
    """The first unequal items of two equally long tuples, as far down as that goes."""
    if isinstance(mine, tuple) and isinstance(other, tuple) and len(mine) == len(other):
        for a, b in zip(mine, other, strict=True):
            if a != b:
                return _first_difference(a, b)
    if isinstance(mine, Contract) and isinstance(other, Contract) and type(mine) is type(other):
        for name in type(mine).model_fields:
            a, b = getattr(mine, name), getattr(other, name)
            if a != b:
                return f"{name} = {a}", f"{name} = {b}"
    return mine, other


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
