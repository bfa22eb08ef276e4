"""Folders of recordings as apps, loggers and public data sets deliver them: four people, three labels each.

Signals are the watch's (ten seconds of each person and exercise, m/s^2 and rad/s); names, units, clocks and layouts are
those of the format. Where a format holds no person or no label, folders and files are named as people name them.
"""

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.unit.data.formats.makers import G, actigraph_preamble, table, write
from tests.unit.data.kinds import LABELS, PEOPLE, Piece, pieces

START = datetime(2024, 9, 29, 8, 0, 0)
START_NS = 1_727_596_800 * 10**9
PAUSE_S = 2.0
"""Between two exercises of a person where one file holds both."""
_DEGREES = 180 / np.pi
_NUMBER = {who: str(number) for number, who in enumerate(PEOPLE, 1)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One format's folder and what must come out of it.

    Attributes:
        make: Writes the files below a folder.
        people: The watch's people to their names in the files.
        labels: The watch's exercises to their names in the files.
        rate_hz: Of the recordings.
        quantities: What must be found.
        windows: Of each person and exercise.
        crossing: Whether exercises follow each other at once, so that windows over their border are lost: one more may
            be found than `windows` says.
        within: Largest error of a value, m/s^2 or rad/s: what the format rounds to.
        turned: -1 where the format has the sign of acceleration against the watch's.
        asked: What `factory init` asks about, beside how paths are read.
    """

    make: Callable[[Path], None]
    people: Mapping[str, str] = field(default_factory=lambda: {who: who for who in PEOPLE})
    labels: Mapping[str, str] = field(default_factory=lambda: {label: label for label in LABELS})
    rate_hz: float = 50.0
    quantities: tuple[str, ...] = ("accelerometer", "gyroscope")
    windows: int = 6
    crossing: bool = False
    within: float = 2e-3
    turned: float = 1.0
    asked: tuple[str, ...] = ()


def _moments(piece: Piece, rate_hz: float = 50.0) -> list[float]:
    """(T,) seconds since `START` of the samples: a person's exercises follow each other, people come one a day."""
    own = [p.label for p in pieces() if p.who == piece.who].index(piece.label)
    begin = 86400 * PEOPLE.index(piece.who) + own * (len(piece.acc) / rate_hz + PAUSE_S)
    return [begin + index / rate_hz for index in range(len(piece.acc))]


def _of(who: str) -> list[Piece]:
    return [piece for piece in pieces() if piece.who == who]


def _ns(piece: Piece, zero: int = START_NS) -> list[int]:
    return [zero + round(moment * 1e9) for moment in _moments(piece)]


def _dates(piece: Piece, form: str = "%Y-%m-%d %H:%M:%S", rate_hz: float = 50.0) -> list[str]:
    """With milliseconds behind the last dot."""
    found = [START + timedelta(seconds=moment) for moment in _moments(piece, rate_hz)]
    return [f"{moment:{form}}.{moment.microsecond // 1000:03d}" for moment in found]


def _rounded(values: NDArray[np.float64], digits: int = 5) -> list[list[float]]:
    found: list[list[float]] = values.round(digits).tolist()
    return found


def _rows(ahead: Sequence[object], values: NDArray[np.float64], digits: int = 5) -> Iterable[list[object]]:
    return ([one, *row] for one, row in zip(ahead, _rounded(values, digits), strict=True))


def _gravity(piece: Piece) -> NDArray[np.float64]:
    kernel = np.ones(50) / 50
    return np.stack([np.convolve(axis, kernel, "same") for axis in piece.acc.T], axis=1)


def _zip(folder: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder).as_posix())
            path.unlink()


def sensor_logger(folder: Path) -> None:
    """The app's zip of each recording, named by the user: walk_anna."""
    for number, piece in enumerate(pieces()):
        inside = folder.parent / "unpacked"
        gravity = _gravity(piece)
        sensors = {
            "TotalAcceleration": piece.acc, "Accelerometer": piece.acc - gravity, "Gravity": gravity,
            "Gyroscope": piece.gyro,
        }  # fmt: skip
        for name, values in sensors.items():
            ahead = [f"{stamp},{index / 50:.3f}" for index, stamp in enumerate(_ns(piece))]
            write(inside / f"{name}.csv", table("time,seconds_elapsed,z,y,x", _rows(ahead, values[:, ::-1])))
        write(inside / "Metadata.csv", ["version,device name,platform,sampleRateMs", "3,Pixel 7,android,20"])
        write(inside / "Annotation.csv", ["time,seconds_elapsed,text,millisecond_press_duration"])
        write(inside / "Location.csv", ["time,seconds_elapsed,latitude,longitude", f"{_ns(piece)[0]},0.0,51.5,7.4"])
        _zip(inside, folder / f"{piece.label}_{piece.who}-2024-09-29_08-{number:02}-00.zip")


def phyphox(folder: Path) -> None:
    """The app's zip of each recording, one file a sensor, with its folder of metadata."""
    for piece in pieces():
        inside = folder.parent / "unpacked"
        for name, values, unit in (("Accelerometer", piece.acc, "m/s^2"), ("Gyroscope", piece.gyro, "rad/s")):
            header = ",".join(f'"{one}"' for one in ("Time (s)", *(f"{axis} ({unit})" for axis in "XYZ")))
            rows = ([f"{index / 50:.9E}", *(f"{v:.9E}" for v in row)] for index, row in enumerate(values.tolist()))
            write(inside / f"{name}.csv", table(header, rows))
        write(
            inside / "meta/device.csv", ['"property","value"', '"deviceModel","Pixel 7"', '"depthFrontSensor","null"']
        )
        event = ('"START",0.0,1.727,"2024-09-29 08:00:00.000"', '"PAUSE",10.0,1.727,"2024-09-29 08:00:10.000"')
        write(inside / "meta/time.csv", ['"event","experiment time","system time","system time text"', *event])
        _zip(inside, folder / piece.who / f"{piece.label}.zip")


def androsensor(folder: Path) -> None:
    """One file each time the button was pressed, moved into folders of people and activities."""
    header = [f"{name} {axis} ({unit})" for name, unit in (("ACCELEROMETER", "m/s²"), ("GYROSCOPE", "rad/s"))
              for axis in "XYZ"]  # fmt: skip
    told = [*header, "LIGHT (lux)", "Time since start in ms ", "YYYY-MO-DD HH-MI-SS_SSS"]
    for number, piece in enumerate(pieces()):
        values = _rounded(np.hstack([piece.acc, piece.gyro]))
        dates = [date.replace(".", ":") for date in _dates(piece)]
        rows = ([*row, 120.0, 20 * index, dates[index]] for index, row in enumerate(values))
        name = f"Sensor_record_20240929_08{number:02}00_AndroSensor.csv"
        inside = folder / f"S{_NUMBER[piece.who]}" / piece.label
        write(inside / name, table(";".join(told), rows, ";"), "cp1252")


def physics_toolbox(folder: Path) -> None:
    """Multi record; files beside each other."""
    for piece in pieces():
        rows = (
            [f"{index / 50:.3f}", *(f"{v:.5f}" for v in (*acc / G, np.linalg.norm(acc) / G, *gyro)), ""]
            for index, (acc, gyro) in enumerate(zip(piece.acc, piece.gyro, strict=True))
        )
        write(folder / f"{piece.who}_{piece.label}.csv", table("time,gFx,gFy,gFz,TgF,wx,wy,wz,", rows))


_SENSORLOG = (
    "loggingTime(txt)", "locationTimestamp_since1970(s)", "accelerometerTimestamp_sinceReboot(s)",
    *(f"accelerometerAcceleration{axis}(G)" for axis in "XYZ"), "motionTimestamp_sinceReboot(s)", "motionYaw(rad)",
    *(f"motionRotationRate{axis}(rad/s)" for axis in "XYZ"), "activity(txt)", "label(N)",
)  # fmt: skip


def sensorlog(folder: Path) -> None:
    """One file a person, who pressed the label's number; iOS gives the sign against Android's."""
    for who in PEOPLE:
        rows: list[list[object]] = []
        for piece in _of(who):
            for date, moment, acc, gyro in zip(_dates(piece), _moments(piece), piece.acc, piece.gyro, strict=True):
                moment -= 86400 * PEOPLE.index(who)
                rows.append([
                    f"{date} +0200", 1727596800, f"{moment + 6001.2:.6f}", *(f"{-v:.6f}" for v in acc / G),
                    f"{moment + 6001.2:.6f}", 0.1, *(f"{v:.5f}" for v in gyro), "unknown",
                    LABELS.index(piece.label) + 1,
                ])  # fmt: skip
        name = f"2024-09-29_08_0{PEOPLE.index(who)}_00_iPhone_{who}.csv"
        write(folder / name, table(",".join(_SENSORLOG), rows))


def matlab_mobile(folder: Path) -> None:
    """What writetimetable makes of each sensor, in a folder a recording."""
    for piece in pieces():
        for name, values in (("Acceleration", piece.acc), ("AngularVelocity", piece.gyro)):
            rows = _rows(_dates(piece, "%d-%b-%Y %H:%M:%S"), values)
            write(folder / piece.who / piece.label / f"{name}.csv", table("Timestamp,X,Y,Z", rows))


def edge_impulse(folder: Path) -> None:
    """An exported project: names begin with the label, then the person, then the app's own mark."""
    sensors = [{"name": f"{kind}{axis}", "units": unit} for kind, unit in (("acc", "m/s2"), ("gyr", "deg/s"))
               for axis in "XYZ"]  # fmt: skip
    for number, piece in enumerate(pieces()):
        values = np.hstack([piece.acc, piece.gyro * _DEGREES]).round(4).tolist()
        payload = {"device_name": "ac:87:a3:0a:2d:1b", "device_type": "MOBILE", "interval_ms": 20,
                   "sensors": sensors, "values": values}  # fmt: skip
        document = {"protected": {"ver": "v1", "alg": "none"}, "signature": "0" * 64, "payload": payload}
        part = "testing" if number % 5 == 4 else "training"
        mark = f"3q{number:x}k{(number * 37) % 97}s"
        write(folder / part / f"{piece.label}.{piece.who}.{mark}.json", [json.dumps(document)])


def wisdm(folder: Path) -> None:
    """Version 1.1: one file of all people."""
    rows = []
    for piece in pieces():
        for moment, (x, y, z) in zip(_moments(piece, 20), piece.acc.round(6), strict=True):
            stamp = 49_105_962_326_000 + round(moment * 1e9)
            rows.append(f"{int(_NUMBER[piece.who]) + 10},{piece.label.capitalize()},{stamp},{x},{y},{z};")
    write(folder / "WISDM_ar_v1.1_raw.txt", rows)
    write(folder / "readme.txt", ["Welcome to the Activity Recognition dataset"])


_PAMAP2 = dict(zip(LABELS, ("walking", "running", "cycling"), strict=True))


def pamap2(folder: Path) -> None:
    """100 Hz, three units, activity 0 between the others."""
    codes = dict(zip(LABELS, (4, 5, 6), strict=True))
    for who in PEOPLE:
        lines, row = [], 0
        for piece in _of(who):
            both = np.hstack([piece.acc, piece.acc, piece.gyro, np.zeros((len(piece.acc), 3))])
            moments = np.arange(2 * len(both)) / 2
            dense = np.stack([np.interp(moments, np.arange(len(both)), axis) for axis in both.T], axis=1)
            pause = np.repeat(dense[:1], 200, axis=0)
            for code, part in ((0, pause), (codes[piece.label], dense)):
                for values in _rounded(part, 4):
                    unit = [30.375, *values, 1, 0, 0, 0]
                    lines.append(" ".join(map(str, [f"{8.38 + row / 100:.2f}", code, "NaN", *unit, *unit, *unit])))
                    row += 1
        write(folder / "PAMAP2_Dataset/Protocol" / f"subject10{_NUMBER[who]}.dat", lines)
    write(folder / "PAMAP2_Dataset/readme.pdf", ["%PDF-1.4"])


_MHEALTH = dict(zip(LABELS, ("Walking", "Cycling", "Jogging"), strict=True))


def mhealth(folder: Path) -> None:
    """No time stamps; 0 between the exercises; rotation as its readme says, deg/s."""
    codes = dict(zip(LABELS, (4, 9, 10), strict=True))
    for who in PEOPLE:
        lines = []
        for piece in _of(who):
            both = np.hstack([piece.acc, piece.gyro * _DEGREES])
            pause = np.repeat(both[:1], 100, axis=0)
            for code, part in ((0, pause), (codes[piece.label], both)):
                for values in _rounded(part, 4):
                    unit = [*values, 0.1, 0.2, 0.3]
                    lines.append("\t".join(map(str, [*values[:3], 0.01, 0.02, *unit, *unit, code])))
        write(folder / "MHEALTHDATASET" / f"mHealth_subject{_NUMBER[who]}.log", lines)
    write(folder / "MHEALTHDATASET/README.txt", ["The MHEALTH dataset"])


_OPPORTUNITY = dict(zip(LABELS, ("Stand", "Walk", "Sit"), strict=True))


def opportunity(folder: Path) -> None:
    """30 Hz; one file a run."""
    codes = dict(zip(LABELS, (1, 2, 4), strict=True))
    for who in PEOPLE:
        for run, piece in enumerate(_of(who), 1):
            lines = []
            for index, row in enumerate((piece.acc / G * 1000).round().astype(int).tolist()):
                values: list[object] = ["NaN"] * 250
                values[0] = round(index * 100 / 3)
                values[22:25] = values[37:40] = row
                values[243:250] = [codes[piece.label], 101, 0, 0, 0, 0, 406516 if index > 250 else 0]
                lines.append(" ".join(map(str, values)))
            write(folder / "dataset" / f"S{_NUMBER[who]}-ADL{run}.dat", lines)
    write(folder / "dataset/column_names.txt", ["Data columns:", "Column: 1 MILLISEC"])
    write(folder / "dataset/label_legend.txt", ["1   -   Locomotion   -   Stand"])


def _intervals(header: str, form: str) -> list[str]:
    """A line a person and exercise, a second inside of its beginning and its end."""
    lines = [header]
    for piece in pieces():
        moments = [START + timedelta(seconds=_moments(piece)[place]) for place in (50, -50)]
        lines.append(",".join([piece.who, *(f"{moment:{form}}" for moment in moments), piece.label]))
    return lines


def actigraph_untimed(folder: Path) -> None:
    """Rows that are counted from the start, one file a person; labels name the person as the files do."""
    lines = ["file,start,end,label"]
    for who in PEOPLE:
        day, rows = START + timedelta(days=PEOPLE.index(who)), list[list[float]]()
        for piece in _of(who):
            begin = day + timedelta(seconds=len(rows) / 50)
            rows += _rounded(piece.acc / G)
            end = day + timedelta(seconds=len(rows) / 50)
            lines.append(",".join([who, *(f"{moment:%d/%m/%Y %H:%M:%S}" for moment in (begin, end)), piece.label]))
        above = actigraph_preamble("dd/MM/yyyy", f"{day:%d/%m/%Y}", 50)
        above[2] = f"Start Time {day:%H:%M:%S}"
        write(folder / f"{who}RAW.csv", [*above, *table("Accelerometer X,Accelerometer Y,Accelerometer Z", rows)])
    write(folder / "activity_log.csv", lines)


def actigraph(folder: Path) -> None:
    """One file a person, recorded throughout; labels with clock times beside."""
    for who in PEOPLE:
        rows: list[list[object]] = []
        for piece in _of(who):
            rows += _rows(_dates(piece, "%d/%m/%Y %H:%M:%S"), piece.acc / G)
        day = (START + timedelta(days=PEOPLE.index(who))).strftime("%d/%m/%Y")
        header = "Timestamp,Accelerometer X,Accelerometer Y,Accelerometer Z"
        lines = [*actigraph_preamble("dd/MM/yyyy", day, 50), *table(header, rows)]
        write(folder / f"{who} (2024-09-29)RAW.csv", lines)
    write(folder / "labels.csv", _intervals("person,start,end,activity", "%Y-%m-%d %H:%M:%S"))


def axivity(folder: Path) -> None:
    """One resampled CSV a person, without a header; labels with clock times beside."""
    for who in PEOPLE:
        rows: list[list[object]] = []
        for piece in _of(who):
            rows += _rows(_dates(piece), piece.acc / G)
        write(folder / f"{who}.resampled.csv", table(None, rows))
    write(folder / "annotations.csv", _intervals("subject,from,to,label", "%d.%m.%Y %H:%M:%S"))


def empatica(folder: Path) -> None:
    """The device's archive of each recording, unpacked, in a folder named by hand."""
    for number, piece in enumerate(pieces()):
        inside = folder / f"E4_A0{number % 3 + 1}_P{_NUMBER[piece.who]}_{piece.label}"
        start = 1_582_023_610 + 100 * number
        rows = [",".join(str(round(value * 64 / G)) for value in row) for row in piece.acc.tolist()]
        write(inside / "ACC.csv", [", ".join([f"{start}.00"] * 3), ", ".join(["32.000000"] * 3), *rows])
        for name, rate in (("BVP", 64), ("EDA", 4), ("HR", 1), ("TEMP", 4)):
            write(inside / f"{name}.csv", [f"{start}.00", f"{rate}.000000", *(f"{30 + i / 100}" for i in range(rate))])
        write(inside / "IBI.csv", [f"{start}.00, IBI", "5.39,0.78"])
        write(inside / "tags.csv", [f"{start + 2}.31"])
        write(inside / "info.txt", [".csv files in this archive are in the following format:"])


def empatica_labels(folder: Path) -> None:
    """One recording a person; a list of labels in seconds since 1970."""
    lines = ["subject,start,end,label"]
    for who in PEOPLE:
        start, rows = 1_582_023_610 + 1000 * PEOPLE.index(who), list[str]()
        for piece in _of(who):
            begin = len(rows)
            rows += [",".join(str(round(value * 64 / G)) for value in row) for row in piece.acc.tolist()]
            lines.append(f"P{_NUMBER[who]},{start + begin / 32:.2f},{start + len(rows) / 32:.2f},{piece.label}")
        inside = folder / f"E4_A01_P{_NUMBER[who]}"
        write(inside / "ACC.csv", [", ".join([f"{start}.00"] * 3), ", ".join(["32.000000"] * 3), *rows])
        write(inside / "HR.csv", [f"{start}.00", "1.000000", "71.0", "72.0"])
        write(inside / "tags.csv", [f"{start + 3}.10"])
    write(folder / "labels.csv", lines)


def polar(folder: Path) -> None:
    """One file a sensor; the phone's time beside the sensor's."""
    for piece in pieces():
        inside = folder / f"{piece.who}_{piece.label}"
        units = (("ACC", "mg", piece.acc * 1000 / G, 0), ("GYRO", "dps", piece.gyro * _DEGREES, 4))
        for name, unit, values, digits in units:
            ahead = [
                f"{date};{stamp}"
                for date, stamp in zip(
                    _dates(piece, "%Y-%m-%dT%H:%M:%S"), _ns(piece, 599_628_005_694_359_040), strict=False
                )
            ]
            header = f"Phone timestamp;sensor timestamp [ns];X [{unit}];Y [{unit}];Z [{unit}]"
            rows = ([one, *(f"{v:.{digits}f}" for v in row)] for one, row in zip(ahead, values.tolist(), strict=True))
            write(inside / f"Polar_Sense_AB12_20240929_080000_{name}.txt", table(header, rows, ";"))
        write(
            inside / "Polar_Sense_AB12_20240929_080000_HR.txt", ["Phone timestamp;HR [bpm]", "2024-09-29T08:00:00;60"]
        )


_HHAR = {"ann": "a", "ben": "b", "cho": "c", "dia": "d"}


def hhar(folder: Path) -> None:
    """All people in one file a kind of sensor, rows without activity between."""
    for name, part in (("accelerometer", "acc"), ("gyroscope", "gyro")):
        rows: list[list[object]] = []
        for piece in pieces():
            told = [_HHAR[piece.who], "nexus4", "nexus4_1"]
            for stamp, values in zip(_ns(piece), _rounded(getattr(piece, part)), strict=True):
                rows.append([len(rows), stamp // 10**6 + 7, stamp, *values, *told, piece.label])
        header = "Index,Arrival_Time,Creation_Time,x,y,z,User,Model,Device,gt"
        write(folder / "Activity recognition exp" / f"Phones_{name}.csv", table(header, rows))
    write(folder / "Activity recognition exp/readme.txt", ["Heterogeneity Activity Recognition Data Set"])


_ACC = ("accelerometer",)
DELIVERED: Mapping[str, Delivered] = {
    "sensor_logger": Delivered(make=sensor_logger),
    "phyphox": Delivered(make=phyphox),
    "androsensor": Delivered(make=androsensor, people={who: f"S{number}" for who, number in _NUMBER.items()}),
    "physics_toolbox": Delivered(make=physics_toolbox),
    "sensorlog": Delivered(
        make=sensorlog, labels={label: str(number) for number, label in enumerate(LABELS, 1)}, turned=-1
    ),
    "matlab_mobile": Delivered(make=matlab_mobile),
    "edge_impulse": Delivered(make=edge_impulse),
    "wisdm": Delivered(
        make=wisdm,
        people={who: str(int(number) + 10) for who, number in _NUMBER.items()},
        labels={label: label.capitalize() for label in LABELS},
        quantities=_ACC,
        rate_hz=20,
        windows=14,
    ),
    "pamap2": Delivered(
        make=pamap2,
        people={who: f"10{n}" for who, n in _NUMBER.items()},
        labels=_PAMAP2,
        within=0.5,
        asked=("label.null",),
    ),
    "mhealth": Delivered(make=mhealth, people=_NUMBER, labels=_MHEALTH, asked=("label.null",)),
    "opportunity": Delivered(
        make=opportunity,
        people={who: f"S{number}" for who, number in _NUMBER.items()},
        labels=_OPPORTUNITY,
        asked=("label.two",),
        quantities=_ACC,
        rate_hz=30,
        windows=14,
        within=0.1,
    ),
    "actigraph": Delivered(make=actigraph, quantities=_ACC, windows=5),
    "axivity": Delivered(make=axivity, quantities=_ACC, windows=5),
    "empatica": Delivered(
        make=empatica,
        people={who: f"P{number}" for who, number in _NUMBER.items()},
        quantities=_ACC,
        rate_hz=32,
        windows=14,
        within=0.1,
    ),
    "polar": Delivered(make=polar, within=0.01),
    "hhar": Delivered(make=hhar, people=_HHAR),
}
"""Format to what its users have."""
_LISTED = DELIVERED["empatica"]
ELSEWHERE: Mapping[str, tuple[str, Delivered]] = {
    "actigraph without time stamps": (
        "actigraph", Delivered(make=actigraph_untimed, quantities=_ACC, windows=6, crossing=True),
    ),
    "empatica with a list of labels": (
        "empatica",
        Delivered(
            make=empatica_labels, people=_LISTED.people, quantities=_ACC, rate_hz=32, windows=13, within=0.1,
            crossing=True,
        ),
    ),
}  # fmt: skip
"""The same formats with labels elsewhere."""
