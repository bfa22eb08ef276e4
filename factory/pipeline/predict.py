"""Labelling a recording with a model: refused where the recording is not what the model's contract says."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from factory.artifacts.pulling import read_pulled, require_pulled
from factory.contracts.dataset import Recording
from factory.contracts.errors import ArtifactError, DataError
from factory.contracts.progress import Progress
from factory.contracts.release import CONTRACT
from factory.contracts.stored import read_json
from factory.contracts.table import Labels, TableDescription, escape
from factory.contracts.window import Channel, SensorContract, WindowSpec
from factory.pipeline.compare import local_manifest
from factory.pipeline.inference import MAX_GAP_S, Model, Predictions
from factory.pipeline.pull import chosen_artifacts

COLUMNS = ("subject", "recording", "start_s", "end_s", "label", "confidence")
TIME = "time_s"
_DESCRIBE = "describe it by --description, which factory init RECORDING --for MODEL writes"
_LEAST_RATE = 0.8
"""Share of the contract's rate; below it, resampling would invent what was not measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledPart:
    """One gap-free or gappy recording of one person, labelled.

    Attributes:
        subject: Who; empty where the file does not say.
        recording: Which; empty where the file does not say.
        predictions: One answer a window, with `start_s`.
    """

    subject: str
    recording: str
    predictions: Predictions


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledRecording:
    """What `predict` answers.

    Attributes:
        parts: In the order of the file.
        window_s: Length of each window in seconds.
    """

    parts: tuple[LabelledPart, ...]
    window_s: float

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is most likely wrong with the recording, though the contract does not forbid it."""
        return tuple(
            _of_part(part.subject, part.recording, doubt) for part in self.parts for doubt in part.predictions.doubts
        )

    def rows(self) -> Iterator[tuple[str, str, float, float, str, float]]:
        """One row a window, as `COLUMNS` names them; times in the recording's own seconds."""
        for part in self.parts:
            found = part.predictions
            assert found.start_s is not None
            confidence = found.probabilities.max(axis=1)
            for start, label, share in zip(found.start_s, found.labels, confidence, strict=True):
                begin = round(float(start), 6)
                end = round(begin + self.window_s, 6)
                yield part.subject, part.recording, begin, end, str(label), round(float(share), 4)

    def write_csv(self, out: IO[str]) -> None:
        """Write a header and one row a window."""
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self.rows())


def open_model(path: Path, target: str | None = None, precision: str | None = None) -> Model:
    """The model of a file, or of a pulled or built folder, whose files are checked if it was pulled.

    Raises:
        ArtifactError: There is none, a pulled file was changed, or the folder holds several that fit.
        MissingToolError: Its runtime is not installed.
    """
    if not path.is_dir():
        return Model(path)
    pulled = read_pulled(path)
    if pulled is not None:
        require_pulled(path, pulled)
    chosen = chosen_artifacts(local_manifest(path), target, precision)
    there = [artifact for artifact in chosen if (path / artifact.path).is_file()]
    if len(there) != 1:
        names = ", ".join(artifact.path for artifact in there) or "none"
        raise ArtifactError(
            f"{path} holds {len(there)} model files that fit ({names}): name one, or choose it by --target and "
            "--precision"
        )
    return Model(path / there[0].path)


def contract_of(path: Path) -> SensorContract:
    """What a model file, a folder with contract.json, or that file itself says is to be fed.

    Raises:
        ArtifactError: It says nothing, or is corrupt.
        MissingToolError: A model file was named whose runtime is not installed.
    """
    if path.is_dir():
        return read_json(SensorContract, path / CONTRACT, "name a build, a pulled folder or a model file")
    return read_json(SensorContract, path) if path.suffix == ".json" else Model(path).contract


def predict(
    model: Model,
    recording: Path,
    description: Path | None,
    units: Mapping[str, str],
    time: str,
    progress: Progress,
) -> LabelledRecording:
    """Label a recording.

    Args:
        model: From `open_model`.
        recording: A table in a file: CSV, Parquet or .xlsx.
        description: A TOML that describes files of its layout, as `factory init` writes it; None takes columns named
            as the contract's channels.
        units: Unit of a channel or quantity where it is not the contract's; without a description only.
        time: Column of time stamps in seconds; without a description only.
        progress: Told of recordings that are too short.

    Raises:
        DataError: The file cannot be read or breaks the contract; says what differs.
        RecipeError: The description cannot be used.
    """
    spec = model.contract.window
    found = tuple(
        LabelledPart(
            subject=part.subject,
            recording=part.recording,
            predictions=model.predict_recording(part.table, units=units, time=part.time),
        )
        for part in _parts(spec, recording, description, units, time, progress)
    )
    return LabelledRecording(parts=found, window_s=spec.window_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedRecording:
    """A recording that is what a contract says.

    Attributes:
        windows: That it gives.
        doubts: What is most likely wrong with it, though the contract does not forbid it.
    """

    windows: int
    doubts: tuple[str, ...]


def check_contract(
    contract: SensorContract,
    recording: Path,
    description: Path | None,
    units: Mapping[str, str],
    time: str,
    progress: Progress,
) -> CheckedRecording:
    """Whether a recording is what a contract says, without a model's answer. Arguments as those of `predict`.

    Raises:
        DataError: As `predict`.
        RecipeError: As `predict`.
    """
    from factory.data.live import cut_table, doubts, require_si

    spec, windows, found = contract.window, 0, []
    for part in _parts(spec, recording, description, units, time, progress):
        cut = cut_table(part.table, spec, MAX_GAP_S, units, part.time)
        require_si(cut.x, spec)
        windows += len(cut.x)
        found += [_of_part(part.subject, part.recording, doubt) for doubt in doubts(cut.x, contract)]
    return CheckedRecording(windows=windows, doubts=tuple(found))


def _of_part(subject: str, recording: str, doubt: str) -> str:
    where = ", ".join(f"{what} {name}" for what, name in (("subject", subject), ("recording", recording)) if name)
    return f"{where}: {doubt}" if where else doubt


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """Columns of one recording of one person, and which of them are its time stamps in seconds."""

    subject: str
    recording: str
    table: Mapping[str, Any]
    time: str


def _parts(
    spec: WindowSpec,
    recording: Path,
    description: Path | None,
    units: Mapping[str, str],
    time: str,
    progress: Progress,
) -> Iterator[_Part]:
    """The recordings of a file whose channels and rates are the contract's, at least one."""
    if not recording.is_file():
        raise DataError(f"{recording} does not exist: name a file of one recording")
    if description is None:
        table = _plain_table(recording, spec, time)
        _require_rate(table[time], spec, str(recording))
        yield _Part(subject="", recording="", table=table, time=time)
        return
    if units:
        raise DataError("units are those of the description: leave --unit out, or correct the description")
    there = False
    for part in _described(spec, recording, description, progress):
        there = True
        yield part
    if not there:
        raise DataError(f"{recording} holds no recording of {spec.window_s:.2f} s or more: record longer")


def _plain_table(recording: Path, spec: WindowSpec, time: str) -> dict[str, NDArray[np.float64]]:
    """The contract's columns; a plain CSV file is read without the packages of the extra `read`."""
    from factory.data.plain import is_plain, read_plain

    wanted = [time, *(channel.name for channel in spec.channels)]
    if is_plain(recording, wanted):
        return read_plain(recording, wanted)
    return _any_table(recording, wanted)


def _any_table(recording: Path, wanted: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    from factory.data.intake.detect import detect, open_sheet
    from factory.data.intake.members import list_members

    members = list_members(recording)
    if len(members) != 1:
        raise DataError(f"{recording} holds {len(members)} tables: {_DESCRIBE}")
    sheet = open_sheet(members[0], (detect(members[0]),))
    if missing := [name for name in wanted if name not in sheet.names]:
        raise DataError(
            f"{recording} has no column {', '.join(missing)}, only {', '.join(sheet.names):.300}: rename its columns "
            f"to those of the contract ({', '.join(wanted)}), or {_DESCRIBE}"
        )
    parts: dict[str, list[NDArray[np.float64]]] = {name: [np.empty(0)] for name in wanted}
    for batch in sheet.batches(dict.fromkeys(wanted, "number")):
        for name in wanted:
            parts[name].append(np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _described(spec: WindowSpec, recording: Path, description: Path, progress: Progress) -> Iterator[_Part]:
    from factory.data.sources.table import Table

    table = Table(_of_this_file(description, recording), recording.parent)
    _require_channels(table.channels, spec, str(description))
    column = {channel.name: index for index, channel in enumerate(table.channels)}
    for part in table.recordings(None, progress):
        if len(part.time_s) < 2 or part.time_s[-1] - part.time_s[0] < spec.window_s:
            progress.say(f"subject {part.subject}, recording {part.session}: shorter than a window, left out")
            continue
        _require_rate(part.time_s, spec, f"{recording}, subject {part.subject}")
        columns = _columns(part, spec, column)
        yield _Part(subject=part.subject, recording=part.session, table=columns, time=TIME)


def _of_this_file(description: Path, recording: Path) -> TableDescription:
    """The description of one file without labels; who is read from a column, or is the file's name."""
    from factory.contracts.recipe import parse_toml, validate
    from factory.data.intake.patterns import is_template

    told = validate(TableDescription, parse_toml(description), str(description))
    columns = told.columns
    session = columns.session if columns.session is None or not is_template(columns.session) else None
    plain = {
        "subject": "{stem}" if is_template(columns.subject) else columns.subject,
        "session": session,
        "label": None,
    }
    return told.model_copy(
        update={
            "folder": ".",
            "files": (escape(recording.name),),
            "ignore": (),
            "columns": columns.model_copy(update=plain),
            "labels": Labels(order=("any",)),
        }
    )


def _columns(part: Recording, spec: WindowSpec, column: Mapping[str, int]) -> dict[str, Any]:
    values = {channel.name: part.samples[:, column[channel.name]] for channel in spec.channels}
    return {TIME: part.time_s, **values}


def _require_channels(given: Sequence[Channel], spec: WindowSpec, where: str) -> None:
    """Refuse a description of other channels than the contract's, and say each difference."""
    known = {channel.name: channel for channel in given}
    wrong: list[str] = []
    for wanted in spec.channels:
        mine = known.get(wanted.name)
        if mine is None:
            wrong.append(f"{wanted.name} is missing")
            continue
        wrong += [
            f"{wanted.name} has {name} {getattr(mine, name)}, the model expects {getattr(wanted, name)}"
            for name in ("quantity", "axis", "unit", "gravity", "placement")
            if getattr(mine, name) != getattr(wanted, name)
        ]
    if wrong:
        raise DataError(f"{where} breaks the model's contract: {'; '.join(wrong)}: correct it, or choose another model")


def _require_rate(time_s: NDArray[np.float64], spec: WindowSpec, where: str) -> None:
    steps = np.diff(time_s)
    steps = steps[(steps > 0) & (steps <= MAX_GAP_S)] if np.isfinite(steps).all() else steps[:0]
    if len(steps) and 1 / float(np.median(steps)) < _LEAST_RATE * spec.rate_hz:
        raise DataError(
            f"{where} has {1 / float(np.median(steps)):.3g} samples a second, the model expects {spec.rate_hz:g}: "
            "record faster, or choose a model of that rate"
        )
