"""The Python API: what `import factory` offers. The command line calls these functions and prints what they return."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from factory.contracts.errors import ArtifactError
from factory.contracts.progress import Cancel, Progress, Silent
from factory.contracts.recipe import Recipe

if TYPE_CHECKING:
    from factory.contracts.bench import BenchSpec
    from factory.contracts.bench_result import BenchSummary
    from factory.contracts.benchmark import BenchmarkResult
    from factory.contracts.manifest import Manifest
    from factory.contracts.network import TrainingSummary
    from factory.contracts.recipe import Core
    from factory.contracts.release import Index, Release
    from factory.contracts.report import DataReport
    from factory.contracts.search import SearchMethod, SearchResult
    from factory.contracts.tuning import TuneResult
    from factory.pipeline.bench.estimate import BenchEstimate
    from factory.pipeline.bench.run import BenchRequest
    from factory.pipeline.cluster import Engine
    from factory.pipeline.compare import ModelDifference
    from factory.pipeline.explain import Explanation
    from factory.pipeline.predict import CheckedRecording, LabelledRecording
    from factory.pipeline.pull import PublishedModel, PulledModel
    from factory.pipeline.request import BuildRequest
    from factory.pipeline.result import Build, VerifyResult
    from factory.pipeline.show import Shown
    from factory.pipeline.targets import Exports

PathLike = str | Path
_TARGETS = ("tflite",)


def load_recipe(name: PathLike, *, seed: int | None = None) -> Recipe:
    """A recipe by the name of a shipped one ('demo') or the path of a TOML file.

    Args:
        name: As the command line takes it.
        seed: Replaces the recipe's.

    Raises:
        RecipeError: No such recipe, or a key of it is wrong; names the key.
    """
    from factory.recipes import find_recipe

    return find_recipe(name, seed)


def check(
    recipe: Recipe | PathLike,
    *,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    windows: bool = True,
    progress: Progress | None = None,
) -> "DataReport":
    """Look at a recipe's data from the raw samples to the split; nothing is trained.

    Args:
        recipe: As that of `build`.
        data: As that of `build`.
        cache: As that of `build`.
        windows: Compare the recipe's window with half and double of it, which takes seconds.
        progress: Told of each step.

    Returns:
        Figures and findings; `errors` lists those that make the data unusable.

    Raises:
        RecipeError: The recipe does not fit the recordings.
        DataError: The recordings cannot be read.
    """
    from factory.data.checks import check as run
    from factory.pipeline.request import cache_folder
    from factory.pipeline.window_lengths import with_window_lengths

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    told = progress if progress is not None else Silent()
    report = run(loaded, _path(data), cache_folder(_path(cache)), told)
    return with_window_lengths(report, loaded, _path(data), told) if windows else report


def build(
    recipe: Recipe | PathLike,
    *,
    targets: Sequence[str] | str = _TARGETS,
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    devices: int = 1,
    board: str | None = None,
    verify_on: str = "auto",
    minutes: float | None = None,
    tensorboard: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    check: bool = True,
) -> "Build":
    """Train teacher and student, export, verify and report; what is current already is not done again.

    Args:
        recipe: From `load_recipe`, or what it takes.
        targets: tflite, executorch, jetson, ort_mobile; 'all' is whatever is installed, 'android' a phone's.
        data: Folder of the official data sets.
        out: The build folder; None is build/<recipe name>.
        cache: Folder of prepared windows; None is $FACTORY_CACHE or the user's cache folder.
        device: Processor that trains: auto, cpu, cuda or mps.
        devices: How many of it train each network together, by a process each; the model is the same up to rounding.
            A script that asks for more than one needs `if __name__ == "__main__":`.
        board: ssh://[user@]host[:port] of a Jetson that builds, verifies and measures the engines.
        verify_on: Device that answers the files too: arm64 (emulated), adb:SERIAL, ssh://[user@]host; 'auto' is arm64
            where it is set up, 'none' leaves it out.
        minutes: For all trainings together, about: the recipe's epochs are cut to what this machine trains in it.
        tensorboard: Write event files beside each network.
        force: Replace a build of another recipe in `out`.
        progress: Told of each step; None is silence.
        cancel: Another thread's `cancel.set()` ends the build with Cancelled; what was finished is kept.
        check: Raise if a gate broke or a target could not be exported, once everything is written. With False the
            caller looks at `Build.passed`.

    Raises:
        GateError: A gate broke; the folder is complete, and `open_build` opens it.
        FactoryError: Whatever stopped the build; see factory/contracts/errors.py for the kinds.
    """
    from factory.pipeline.build import build as run

    request = _request(recipe, out, data, cache, device, progress)
    built = run(
        replace(
            request,
            targets=_names(targets),
            devices=devices,
            board=board,
            verify_on=verify_on,
            minutes=minutes,
            tensorboard=tensorboard,
            force=force,
            cancel=cancel or Cancel(),
        )
    )
    if check:
        built.require()
    return built


def train(
    recipe: Recipe | PathLike,
    *,
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    devices: int = 1,
    minutes: float | None = None,
    tensorboard: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> "tuple[TrainingSummary, TrainingSummary]":
    """Train teacher and student only; `build` and `export` go on from there. Arguments as those of `build`."""
    from factory.pipeline.build import train as run

    request = _request(recipe, out, data, cache, device, progress)
    return run(
        replace(
            request,
            devices=devices,
            minutes=minutes,
            tensorboard=tensorboard,
            force=force,
            cancel=cancel or Cancel(),
        )
    )


def explain(
    recipe: Recipe | PathLike,
    *,
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    force: bool = False,
    progress: Progress | None = None,
) -> "Explanation":
    """How far the teacher would lead the student, and what would raise that. Arguments as those of `build`.

    Both are trained for a quarter of the student's epochs (`distill.lead`); a later build takes the result over.
    """
    from factory.pipeline.build import explain as run

    return run(replace(_request(recipe, out, data, cache, device, progress), force=force))


def export(
    build: PathLike,
    *,
    targets: Sequence[str] | str = _TARGETS,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> "Exports":
    """Write a trained build's files for targets, without verifying them.

    Args:
        build: The folder that `train` or `build` wrote.
        targets: As those of `build`.
        data: As that of `build`.
        cache: As that of `build`.
        device: As that of `build`.
        progress: As that of `build`.

    Raises:
        ArtifactError: The folder is no build.
    """
    from factory.pipeline.build import export as run

    recipe = Path(build) / "recipe.toml"
    if not recipe.is_file():
        raise ArtifactError(f"{build} has no recipe.toml, so it is not a build: run factory train first")
    request = _request(recipe, build, data, cache, device, progress)
    return run(replace(request, targets=_names(targets)))


def open_build(path: PathLike) -> "Build":
    """A finished build, every file of it checked against its manifest's hashes.

    Raises:
        ArtifactError: No build, or a file of it is missing, changed or foreign.
    """
    from factory.pipeline.result import open_build as run

    return run(Path(path))


def verify(
    build: "Build | PathLike",
    *,
    data: PathLike | None = None,
    cache: PathLike | None = None,
    recordings: bool = True,
    board: str | None = None,
    device: str | None = None,
    baseline: str | None = None,
    update: bool = False,
    progress: Progress | None = None,
    check: bool = True,
) -> "VerifyResult":
    """Verify a build on this machine: hashes, agreement of its files, parity, latency and, with recordings, accuracy.

    Args:
        build: From `open_build`, or its folder.
        data: Folder of the official data sets; None looks where a package or the user's table holds them.
        cache: Folder of prepared windows.
        recordings: False verifies without them: accuracy is then not run.
        board: As that of `build`.
        device: Another processor that answers the files too: arm64, arm64:cortex-a76, adb:SERIAL; None is none.
        baseline: A published model that it must not fall behind: STORE, STORE/NAME@VERSION, or NAME@VERSION of the
            store that ships with this package.
        update: Write what was measured into manifest.json and report.html; not the comparison with `baseline`.
        progress: Told of each artifact.
        check: Raise if a gate broke; with False the caller looks at `VerifyResult.failed`.

    Raises:
        ArtifactError: A file is missing or changed, or files contradict each other.
        GateError: A gate broke.
    """
    from factory.pipeline.request import cache_folder
    from factory.pipeline.verify import Recordings
    from factory.pipeline.verify import verify as run

    opened = open_build(build) if isinstance(build, str | Path) else build
    where = Recordings(data=_path(data), cache=cache_folder(_path(cache)), wanted=recordings)
    result = run(opened, where, board, device, update, progress)
    if baseline is not None:
        from factory.pipeline.regression import against

        result = replace(result, checks=result.checks + against(opened, result, baseline))
    if check:
        result.require()
    return result


def benchmark(
    recipe: Recipe | PathLike,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> "BenchmarkResult":
    """Build a recipe once a seed, train the same student by cross-entropy alone beside it, and compare.

    Goes on where it was stopped. Writes benchmark.json into `out`; None is build/benchmark/<recipe name>.
    """
    from factory.pipeline.benchmark import benchmark as run

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    folder = Path(out) if out is not None else Path("build") / "benchmark" / loaded.name
    numbers = tuple(dict.fromkeys(seeds))
    requests = [
        _request(loaded.model_copy(update={"seed": number}), folder / f"seed{number}", data, cache, device, progress)
        for number in numbers
    ]
    name = loaded.name if isinstance(recipe, Recipe) else recipe
    command = f"factory benchmark {name} " + " ".join(f"--seed {number}" for number in numbers)
    return run(requests, command, folder / "benchmark.json")


def bench(
    spec: "BenchSpec | PathLike",
    *,
    only: Sequence[str] = (),
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    workers: int = 1,
    engine: "Engine" = "local",
    address: str | None = None,
    cpus: float = 1.0,
    gpus: float = 0.0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> "BenchSummary":
    """Compare methods on data sets, folds and seeds; goes on where it was stopped. docs/bench.md.

    Writes results.parquet, bench.json, table.md and ranks.png into `out`; None is build/bench/<name>.

    Args:
        spec: Name of a shipped bench, path of a TOML file, or what either says.
        only: Labels of data sets or methods; the others are left out, but for the control. Empty takes all.
        data: As that of `build`.
        out: The bench's folder; a row of it is one file.
        cache: As that of `build`.
        device: As that of `build`.
        workers: Processes of one thread each.
        engine: 'local', or 'ray'.
        address: Of a Ray cluster; None starts one here.
        cpus: Of Ray, a cell; may be a fraction.
        gpus: Of Ray, a cell; may be a fraction.
        progress: Told of each cell.
        cancel: Another thread's `cancel.set()` ends the run with Cancelled; finished cells are kept.

    Raises:
        RecipeError: A key, recipe or fold of the specification is wrong, or there is no such engine.
        TrainingError: Some cells could not be trained; the others are, and everything is written.
        ArtifactError: The file of a finished cell is damaged.
    """
    from factory.pipeline.bench.run import bench as run
    from factory.pipeline.cluster import cluster_of

    cluster = cluster_of(engine, address, cpus, gpus)
    request = _bench_request(spec, only, data, out, cache, device, workers, progress)
    return run(replace(request, cluster=cluster, cancel=cancel or Cancel()))


def bench_estimate(
    spec: "BenchSpec | PathLike",
    *,
    only: Sequence[str] = (),
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: Progress | None = None,
) -> "BenchEstimate":
    """How many cells a bench has, and how long it takes; trains one epoch of each kind. Arguments as of `bench`."""
    from factory.pipeline.bench.estimate import estimate as run

    return run(_bench_request(spec, only, data, out, cache, device, workers, progress))


def bench_table(
    spec: "BenchSpec | PathLike", *, only: Sequence[str] = (), out: PathLike | None = None
) -> "BenchSummary":
    """Summary and tables of what a bench's folder holds; nothing is trained and no recording is read.

    Args:
        spec: As that of `bench`; its data sets and methods are shown.
        only: As that of `bench`.
        out: The bench's folder, or one that holds its results.parquet.

    Raises:
        ArtifactError: Nothing is there, or a file is damaged.
    """
    from factory.pipeline.bench.run import show as run

    request = _bench_request(spec, only, None, out, None, "auto", 1, None)
    return run(request.spec, request.places)


def _bench_request(
    spec: "BenchSpec | PathLike",
    only: Sequence[str],
    data: PathLike | None,
    out: PathLike | None,
    cache: PathLike | None,
    device: str,
    workers: int,
    progress: Progress | None,
) -> "BenchRequest":
    from factory.benches import find_bench
    from factory.pipeline.bench.plan import Places
    from factory.pipeline.bench.run import BenchRequest
    from factory.pipeline.request import cache_folder

    loaded = find_bench(spec) if isinstance(spec, str | Path) else spec
    folder = Path(out) if out is not None else Path("build") / "bench" / loaded.name
    places = Places(out=folder, data=_path(data), cache=cache_folder(_path(cache)))
    return BenchRequest(
        spec=loaded.only(only),
        places=places,
        device=device,
        workers=workers,
        progress=progress if progress else Silent(),
    )


def search(
    recipe: Recipe | PathLike,
    *,
    trials: int = 40,
    epochs: int | None = None,
    minutes: float | None = None,
    max_instructions: "Mapping[Core, int] | None" = None,
    max_macs: int | None = None,
    max_kb: float | None = None,
    method: "SearchMethod" = "cross_entropy",
    name: str | None = None,
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    workers: int = 1,
    engine: "Engine" = "local",
    address: str | None = None,
    cpus: float = 1.0,
    gpus: float = 0.0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> "SearchResult":
    """Search a layout of a recipe's student within bounds on its cost; validation people select.

    Goes on where it was stopped. Writes search.json, pareto.png and recipe.toml, with the winner as its student, into
    `out`; None is build/search/<recipe name>.

    Args:
        recipe: As that of `build`; its seed draws layouts, too.
        trials: Students to train, in all runs together.
        epochs: Of each student; None is a third of the recipe's.
        minutes: No student begins later in this run.
        max_instructions: By core, of one int8_static inference by LiteRT: {"cortex-a76": 90_000}.
        max_macs: Multiply-accumulates.
        max_kb: Size of the int8_static file in 1000 bytes.
        method: 'cross_entropy' trains each student alone, 'recipe' as the recipe does, under one teacher.
        name: Of the winner's recipe; None is <recipe name>_searched.
        data: As that of `build`.
        out: The search's folder.
        cache: As that of `build`.
        device: As that of `build`.
        workers: Students trained at once: processes of one thread each, or Ray's tasks. So many layouts are drawn
            together: another number draws others.
        engine: 'local', or 'ray'.
        address: Of a Ray cluster; None starts one here.
        cpus: Of Ray, a student; may be a fraction.
        gpus: Of Ray, a student; may be a fraction.
        progress: As that of `build`.
        cancel: As that of `build`; what was trained is kept.

    Raises:
        MissingToolError: Optuna or Ray is not installed; names the command.
        RecipeError: A bound is none, no layout is within the bounds, or there is no such engine.
        GateError: The files of the best students are over a bound.
        FactoryError: Whatever stopped a training.
    """
    from factory.contracts.recipe import validate
    from factory.contracts.search import SearchPlan
    from factory.pipeline.cluster import cluster_of
    from factory.pipeline.search import search as run

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    folder = Path(out) if out is not None else Path("build") / "search" / loaded.name
    bounds = {"max_instructions": dict(max_instructions or {}), "max_macs": max_macs, "max_kb": max_kb}
    wanted = {"bounds": bounds, "trials": trials, "epochs": epochs, "minutes": minutes, "method": method, "name": name}
    plan = validate(SearchPlan, {**wanted, "workers": workers}, "search")
    cluster = cluster_of(engine, address, cpus, gpus)
    request = _request(loaded, folder, data, cache, device, progress)
    return run(replace(request, cancel=cancel or Cancel()), plan, cluster)


def tune(
    recipe: Recipe | PathLike,
    *,
    minutes: float = 30.0,
    trials: int = 200,
    folds: int = 3,
    epochs: int | None = None,
    name: str | None = None,
    data: PathLike | None = None,
    out: PathLike | None = None,
    cache: PathLike | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> "TuneResult":
    """Fit a recipe to its recordings: window, augmentation, stem and width of the student, rate, epochs.

    Training people judge in turn, test people never. Goes on where it was stopped. Writes tune.json and recipe.toml
    into `out`; None is build/tune/<recipe name>.

    Args:
        recipe: As that of `build`; its seed draws groups, weights and candidates.
        minutes: For how long, about.
        trials: Candidates at most, in all runs together.
        folds: Groups of training people.
        epochs: Of a candidate; None is a third of the recipe's.
        name: Of the tuned recipe; None is <recipe name>_tuned.
        data: As that of `build`.
        out: The tuning's folder.
        cache: As that of `build`.
        device: As that of `build`.
        progress: As that of `build`.
        cancel: As that of `build`; what was trained is kept.

    Raises:
        MissingToolError: Optuna is not installed; names the command.
        DataError: Too few people, or a class that one person alone has.
        FactoryError: Whatever stopped a training.
    """
    from factory.contracts.recipe import validate
    from factory.contracts.tuning import TunePlan
    from factory.pipeline.tune import tune as run

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    folder = Path(out) if out is not None else Path("build") / "tune" / loaded.name
    wanted = {"minutes": minutes, "trials": trials, "folds": folds, "epochs": epochs, "name": name}
    plan = validate(TunePlan, wanted, "tune")
    request = _request(loaded, folder, data, cache, device, progress)
    return run(replace(request, cancel=cancel or Cancel()), plan)


def show(
    recipe: Recipe | PathLike,
    *,
    data: PathLike | None = None,
    out: PathLike | None = None,
    subjects: Sequence[str] | str = (),
    cache: PathLike | None = None,
    progress: Progress | None = None,
) -> "Shown":
    """Write one self-contained HTML page in which a person looks at a recipe's recordings.

    Args:
        recipe: As that of `build`.
        data: As that of `build`.
        out: The HTML file; None is <recipe name>_recordings.html.
        subjects: Whom to draw; empty is everybody.
        cache: As that of `build`.
        progress: As that of `build`.

    Raises:
        DataError: The recordings cannot be read, or nobody has one of these names.
    """
    from factory.pipeline.request import cache_folder
    from factory.pipeline.show import show as run

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    page = Path(out) if out is not None else Path(f"{loaded.name}_recordings.html")
    return run(loaded, _path(data), cache_folder(_path(cache)), page, _names(subjects), progress or Silent())


def publish(
    build: "Build | PathLike",
    *,
    to: PathLike,
    version: str | None = None,
    key: PathLike | None = None,
    accept_terms: bool = False,
    only: Sequence[str] | str = (),
    maven: bool = False,
) -> "Release":
    """Add a build whose gates held to a store, as a new version of the model of its name that never changes.

    Args:
        build: From `open_build`, or its folder.
        to: The store: a folder, made if it is not there, or s3://... or gs://...
        version: Three numbers; None is the next minor one, or the next major one if the sensor contract changed.
        key: Private key that signs (`factory key`).
        accept_terms: Honour terms of the recordings that forbid commercial use.
        only: Model files as TARGET/PRECISION; these alone with contract, manifest and card, without the golden pack's
            recorded windows and all else that `verify` needs.
        maven: Write Android libraries for Gradle into `to`/maven-repository, too.

    Raises:
        GateError: A gate broke, or an artifact was never verified.
        DataError: The terms forbid commercial use and were not accepted.
        ArtifactError: A file was changed, the version is there, or its contract needs a new major version.
    """
    from factory.pipeline.publish import publish as run

    opened = open_build(build) if isinstance(build, str | Path) else build
    return run(opened, str(to), version, _path(key), accept_terms, _names(only), maven)


def pull(
    name: str,
    *,
    store: PathLike | None = None,
    target: str | None = None,
    precision: str | None = None,
    into: PathLike | None = None,
    trust: str | None = None,
    progress: Progress | None = None,
) -> "PulledModel":
    """Fetch a published model, every byte checked; an interrupted pull goes on.

    Args:
        name: NAME or NAME@VERSION.
        store: A folder, an https address, s3://... or gs://...; None is the store that ships with this package.
        target: Only its files; None with no precision is all that was published.
        precision: Only its files.
        into: Folder; None is the model's name.
        trust: Public key, or a PEM file of it, that must have signed; remembered for this model and store.
        progress: Told of each file.

    Raises:
        ArtifactError: No such model or file, or something is not what was published, signed or seen before.
        StorageError: The store cannot be read, or the folder holds something else.
    """
    from factory.pipeline.pull import pull as run

    found = find_model(name, store=store, trust=trust)
    folder = Path(into) if into is not None else Path(found.release.name)
    return run(found, folder, target, precision, progress if progress is not None else Silent())


def list_models(store: PathLike | None = None) -> "tuple[Index, ...]":
    """Every model of a store with its versions; None is the store that ships with this package.

    Raises:
        ArtifactError: It is no store, or an index was changed.
    """
    from factory.pipeline.pull import list_models as run

    return run(_address(store))


def find_model(name: str, store: PathLike | None = None, *, trust: str | None = None) -> "PublishedModel":
    """Look at a published model without pulling it: versions, manifest, card. Arguments as those of `pull`."""
    from factory.pipeline.pull import find_model as run

    return run(name, _address(store), trust)


def diff(a: PathLike, b: PathLike, *, store: PathLike | None = None) -> "ModelDifference":
    """Compare two models: sensor contract, accuracy, size.

    Args:
        a: A build, a pulled folder, or NAME[@VERSION] of `store`.
        b: The same.
        store: As that of `pull`.

    Raises:
        ArtifactError: One is neither.
    """
    from factory.pipeline.compare import compare, local_manifest

    def manifest(of: PathLike) -> "Manifest":
        if Path(of).is_dir():
            return local_manifest(Path(of))
        return find_model(str(of), store).manifest

    return compare(str(a), manifest(a), str(b), manifest(b))


def predict(
    model: PathLike,
    recording: PathLike,
    *,
    description: PathLike | None = None,
    units: Mapping[str, str] | None = None,
    time: str = "time_s",
    target: str | None = None,
    precision: str | None = None,
    progress: Progress | None = None,
) -> "LabelledRecording":
    """Label each window of a recording in a file.

    Args:
        model: A model file, a pulled folder, or a build.
        recording: CSV, Parquet or .xlsx.
        description: data.toml of files of this layout; None takes columns named as the contract's channels.
        units: Unit of a channel or quantity where it is not the contract's, such as {"accelerometer": "g"}.
        time: Column of time stamps in seconds.
        target: Which file of a folder.
        precision: Which file of a folder.
        progress: Told of what is left out.

    Raises:
        DataError: The recording breaks the model's contract; says what differs.
        ArtifactError: No such model, several, or a file of it was changed.
    """
    from factory.pipeline.predict import open_model
    from factory.pipeline.predict import predict as run

    told = progress if progress is not None else Silent()
    with open_model(Path(model), target, precision) as opened:
        return run(opened, Path(recording), _path(description), dict(units or {}), time, told)


def check_recording(
    model: PathLike,
    recording: PathLike,
    *,
    description: PathLike | None = None,
    units: Mapping[str, str] | None = None,
    time: str = "time_s",
    progress: Progress | None = None,
) -> "CheckedRecording":
    """Whether a recording is what a model's contract says; the model is not asked. Arguments as those of `predict`.

    Args:
        model: A build, a pulled folder, its contract.json, or a model file.
        recording: As that of `predict`.
        description: As that of `predict`.
        units: As that of `predict`.
        time: As that of `predict`.
        progress: As that of `predict`.

    Raises:
        DataError: The recording breaks the contract; says what differs.
        ArtifactError: No contract is found.
    """
    from factory.pipeline.predict import check_contract, contract_of

    told = progress if progress is not None else Silent()
    contract = contract_of(Path(model))
    return check_contract(contract, Path(recording), _path(description), dict(units or {}), time, told)


def _request(
    recipe: Recipe | PathLike,
    out: PathLike | None,
    data: PathLike | None,
    cache: PathLike | None,
    device: str,
    progress: Progress | None,
) -> "BuildRequest":
    from factory.pipeline.request import request_for

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    request = request_for(loaded, _path(out), _path(cache), device)
    return replace(request, data=_path(data), progress=progress if progress is not None else Silent())


def _names(targets: Sequence[str] | str) -> tuple[str, ...]:
    return (targets,) if isinstance(targets, str) else tuple(dict.fromkeys(targets))


def _address(store: PathLike | None) -> str | None:
    return str(store) if store is not None else None


def _path(path: PathLike | None) -> Path | None:
    return Path(path) if path is not None else None
