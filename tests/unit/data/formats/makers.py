"""Small files as each app, logger and data set delivers them, made from a watch's recording (50 Hz, m/s^2, rad/s)."""

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import cbor2
import numpy as np
from numpy.typing import NDArray

from factory.contracts.progress import Silent
from factory.data.sources.watch import Watch

ROWS = 200
G = 9.80665
START = datetime(2024, 12, 11, 17, 41, 40)
START_S = 1_727_601_200
MS20 = 20_000_000
"""20 ms in ns."""
Made = Callable[[Path], Path]


@cache
def signal() -> NDArray[np.float64]:
    """(ROWS, 6): acceleration in m/s^2, rotation in rad/s."""
    recording = next(iter(Watch().recordings(None, Silent())))
    return recording.samples[:ROWS].astype(np.float64).round(4)


def write(path: Path, lines: Iterable[str], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def table(header: str | None, rows: Iterable[Sequence[object]], sign: str = ",") -> list[str]:
    lines = [] if header is None else [header]
    return lines + [sign.join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row) for row in rows]


def samples(scale: float = 1.0, columns: slice = slice(0, 3)) -> list[list[float]]:
    values: list[list[float]] = (signal()[:, columns] * scale).tolist()
    return values


def sensor_logger(folder: Path) -> Path:
    rows = ((f"{START_S * 10**9 + i * 20_000_000 + 1900}", i / 50, z, y, x) for i, (x, y, z) in enumerate(samples()))
    write(
        folder / "Metadata.csv",
        ["version,device name,recording epoch time,platform,sampleRateMs", f"3,Pixel 7,{START_S}000,android,20"],
    )
    return write(folder / "TotalAcceleration.csv", table("time,seconds_elapsed,z,y,x", rows))


def sensor_logger_ios(folder: Path) -> Path:
    """Raw acceleration, which iOS gives in g, and a note after one second."""
    rows = ((f"{START_S * 10**9 + i * 20_000_000}", i / 50, z, y, x) for i, (x, y, z) in enumerate(samples(1 / G)))
    write(folder / "Metadata.csv", ["version,device name,platform,standardisation", "3,iPhone,ios,false"])
    write(
        folder / "Annotation.csv",
        ["time,seconds_elapsed,text,millisecond_press_duration", f"{START_S + 1}000000000,1.0,walk,120"],
    )
    return write(folder / "AccelerometerUncalibrated.csv", table("time,seconds_elapsed,z,y,x", rows))


def sensor_logger_zip(folder: Path) -> Path:
    made = sensor_logger_ios(folder / "unpacked")
    with zipfile.ZipFile(folder / "walk.zip", "w") as archive:
        for path in sorted(made.parent.iterdir()):
            archive.write(path, path.name)
    return folder / "walk.zip"


def sensor_logger_json(folder: Path) -> Path:
    records: list[dict[str, str]] = [{"sensor": "Metadata", "platform": "android", "version": "3"}]
    for sensor, columns in (("TotalAcceleration", slice(0, 3)), ("Gyroscope", slice(3, 6))):
        for i, (x, y, z) in enumerate(samples(columns=columns)):
            stamp = {"time": str(START_S * 10**9 + i * 20_000_000), "seconds_elapsed": str(i / 50)}
            records.append({"sensor": sensor, **stamp, "z": str(z), "y": str(y), "x": str(x)})
    records.append({"sensor": "Battery", "time": f"{START_S}000000000", "seconds_elapsed": "0", "batteryLevel": "1"})
    return write(folder / "walk.json", [json.dumps(records)])


def phyphox(folder: Path) -> Path:
    names = (*(f'"Acceleration {axis} (m/s^2)"' for axis in "xyz"), '"Absolute acceleration (m/s^2)"')
    rows = (tuple(f"{v:.9E}" for v in (i / 50, *row, np.linalg.norm(row))) for i, row in enumerate(samples()))
    return write(folder / "walk_anna_Raw Data.csv", table(",".join(('"Time (s)"', *names)), rows))


def phyphox_german(folder: Path) -> Path:
    """Semicolons, decimal commas, German, one file a sensor."""
    header = "Zeit (s);" + ";".join(f"Lineare Beschleunigung {axis} (m/s^2)" for axis in "xyz")
    rows = (tuple(f"{v:.9E}".replace(".", ",") for v in (i / 50, *row)) for i, row in enumerate(samples()))
    return write(folder / "Raw Data.csv", table(header, rows, ";"))


def phyphox_tab(folder: Path) -> Path:
    header = "\t".join(("Time (s)", "X (rad/s)", "Y (rad/s)", "Z (rad/s)"))
    rows = ((i / 50, *row) for i, row in enumerate(samples(columns=slice(3, 6))))
    return write(folder / "Gyroscope.csv", table(header, rows, "\t"))


_ANDROSENSOR = (
    *(f"ACCELEROMETER {axis} (m/s²)" for axis in "XYZ"),
    *(f"GRAVITY {axis} (m/s²)" for axis in "XYZ"),
    *(f"GYROSCOPE {axis} (rad/s)" for axis in "XYZ"),
    "LIGHT (lux)",
    "LOCATION Latitude : ",
    "Time since start in ms ",
    "YYYY-MO-DD HH-MI-SS_SSS",
)


def _androsensor_rows() -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for i, row in enumerate(signal().tolist()):
        date = (START + timedelta(milliseconds=20 * i)).strftime("%Y-%m-%d %H:%M:%S:") + f"{20 * i % 1000:03d}"
        rows.append((*row[:3], 0.1, 0.2, 9.8, *row[3:], 120.0, 51.5, 20 * i, date))
    return rows


def androsensor(folder: Path) -> Path:
    name = "Sensor_record_20241211_174140_AndroSensor.csv"
    return write(folder / name, table(";".join(_ANDROSENSOR), _androsensor_rows(), ";"), "cp1252")


def androsensor_sep(folder: Path) -> Path:
    """Excel's first line, UTF-8, and a column that somebody added."""
    rows = [(*row, "walk") for row in _androsensor_rows()]
    return write(folder / "walk.csv", ["sep=;", *table(";".join((*_ANDROSENSOR, "activity")), rows, ";")])


def physics_toolbox(folder: Path) -> Path:
    header = "time,gFx,gFy,gFz,TgF,ax,ay,az,wx,wy,wz,"
    rows = ((i / 50, *(np.array(row[:3]) / G).tolist(), 1.0, 0.1, 0.2, 0.3, *row[3:], "") for i, row in _numbered())
    return write(folder / "walk.csv", table(header, rows))


def physics_toolbox_clock(folder: Path) -> Path:
    """Time of day past midnight, and comments above the header."""
    rows = (
        (f"{t:%H:%M:%S}:{t.microsecond // 1000:03d}", *row[:3], 9.8)
        for i, row in _numbered()
        for t in (datetime(2024, 1, 1, 23, 59, 59) + timedelta(milliseconds=20 * i),)
    )
    return write(folder / "linear.csv", ["# sensor: linear accelerometer", *table("time,ax,ay,az,aT", rows)])


def _numbered() -> list[tuple[int, list[float]]]:
    return list(enumerate(signal().tolist()))


_SENSORLOG = (
    "loggingTime(txt)", "locationTimestamp_since1970(s)", "accelerometerTimestamp_sinceReboot(s)",
    *(f"accelerometerAcceleration{axis}(G)" for axis in "XYZ"), "motionTimestamp_sinceReboot(s)", "motionYaw(rad)",
    *(f"motionRotationRate{axis}(rad/s)" for axis in "XYZ"), "activity(txt)", "label(N)", "subject",
)  # fmt: skip


def _sensorlog_rows() -> list[list[object]]:
    return [
        ["2024-12-11 17:41:40.000 +0100", START_S, f"{6.5 + i / 50:.3f}", *(np.array(row[:3]) / -G).round(4).tolist(),
         f"{7 + i / 50:.3f}", 0.1, *row[3:], "walking", i // 100, "P1"]
        for i, row in _numbered()
    ]  # fmt: skip


def sensorlog(folder: Path) -> Path:
    return write(folder / "stream Apple Watch 241211.csv", table(",".join(_SENSORLOG), _sensorlog_rows()))


def sensorlog_json(folder: Path) -> Path:
    """One object a line, texts, names without units."""
    keys = [name.partition("(")[0] for name in _SENSORLOG]
    lines = [json.dumps(dict(zip(keys, map(str, row), strict=True))) for row in _sensorlog_rows()]
    return write(folder / "stream.json", lines)


def matlab_mobile(folder: Path) -> Path:
    rows = (
        (f"{t:%d-%b-%Y %H:%M:%S}.{t.microsecond // 1000:03d}", *row)
        for i, row in enumerate(samples())
        for t in (START + timedelta(milliseconds=20 * i),)
    )
    return write(folder / "Acceleration.csv", table("Timestamp,X,Y,Z", rows))


def matlab_mat(folder: Path) -> Path:
    path = folder / "sensorlog_20241211_174140.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x01IM" + bytes(512))
    return path


def edge_impulse_document() -> dict[str, object]:
    sensors = [{"name": f"acc{axis}", "units": "m/s2"} for axis in "XYZ"]
    sensors += [{"name": f"gyr{axis}", "units": "deg/s"} for axis in "XYZ"]
    payload = {
        "device_name": "ac:87:a3:0a:2d:1b",
        "device_type": "DISCO-L475VG-IOT01A",
        "interval_ms": 20,
        "sensors": sensors,
        "values": (signal() * [1, 1, 1, *[180 / np.pi] * 3]).round(3).tolist(),
    }
    return {"protected": {"ver": "v1", "alg": "none", "iat": START_S}, "signature": "0" * 64, "payload": payload}


def edge_impulse(folder: Path) -> Path:
    return write(folder / "walk.anna.3q1.json", [json.dumps(edge_impulse_document())])


def edge_impulse_cbor(folder: Path) -> Path:
    path = folder / "walk.anna.3q1.cbor"
    path.write_bytes(cbor2.dumps(edge_impulse_document()))
    return path


def edge_impulse_csv(folder: Path) -> Path:
    rows = ((20 * i, *row) for i, row in enumerate(samples()))
    return write(folder / "walk.anna.3q1.csv", table("timestamp,accX,accY,accZ", rows))


def wisdm(folder: Path) -> Path:
    """With each of the faults that the authors' file has, in lines 3 to 9."""
    rows = [f"33,Jogging,{49105962326000 + i * 50_000_000},{x},{y},{z};" for i, (x, y, z) in enumerate(samples())]
    rows[2] = rows[2].rpartition(",")[0] + ",;"  # no z
    rows[3] = "33,Jogging,0,0,0,0;"
    rows[4] = rows[4].removesuffix(";") + ",;"
    rows[5] = ""
    rows[6] = rows[6] + rows[7]
    rows[7] = rows[5]
    rows[8] = rows[8].replace("33,Jogging", "33,Walking")
    return write(folder / "WISDM_ar_v1.1_raw.txt", rows)


def wisdm_watch(folder: Path) -> Path:
    rows = [f"1600,A,{252207666810782 + i * 50_000_000},{x},{y},{z};" for i, (x, y, z) in _rotations()]
    return write(folder / "raw/watch/gyro/data_1600_gyro_watch.txt", rows)


def _rotations() -> list[tuple[int, list[float]]]:
    return list(enumerate(samples(columns=slice(3, 6))))


def pamap2(folder: Path) -> Path:
    lines = []
    for i, row in _numbered():
        unit = [30.375, *row[:3], *row[:3], *row[3:], 14.7, -69.2, -5.6, 1, 0, 0, 0]
        values = [f"{8.38 + i / 100:.2f}", 0 if i < 100 else 4, 104 if i % 10 == 0 else "NaN", *unit, *unit, *unit]
        lines.append(" ".join(map(str, values)))
    return write(folder / "subject101.dat", lines)


def mhealth(folder: Path) -> Path:
    lines = []
    for i, row in _numbered():
        unit = [*row, 0.1, 0.2, 0.3]
        lines.append("\t".join(map(str, [*row[:3], 0.01, 0.02, *unit, *unit, 0 if i < 100 else 10])))
    return write(folder / "mHealth_subject1.log", lines)


def opportunity(folder: Path) -> Path:
    lines = []
    for i, row in _numbered():
        values: list[object] = ["NaN"] * 250
        values[0] = i * 33
        values[22:25] = (np.array(row[:3]) / G * 1000).round().astype(int).tolist()
        values[37:40] = values[22:25]
        values[243:250] = [0 if i < 100 else 2, 101, 0, 0, 0, 0, 406516]
        lines.append(" ".join(map(str, values)))
    return write(folder / "S1-ADL1.dat", lines)


def actigraph_preamble(form: str, date: str, rate_hz: int = 30) -> list[str]:
    """The ten lines above the header."""
    first = f"------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.4 Firmware v3.2.1 date format {form} at"
    return [
        f"{first} {rate_hz} Hz  Filter Normal -----------", "Serial Number: NEO1F16120031", "Start Time 17:41:40",
        f"Start Date {date}", "Epoch Period (hh:mm:ss) 00:00:00", "Download Time 14:52:19", f"Download Date {date}",
        "Current Memory Address: 0", "Current Battery Voltage: 4.12     Mode = 12", "-" * 50,
    ]  # fmt: skip


def actigraph(folder: Path) -> Path:
    rows = (
        (f"{t:%d/%m/%Y %H:%M:%S}.{t.microsecond // 1000:03d}", *row)
        for i, row in enumerate(samples(1 / G))
        for t in (START + timedelta(seconds=i / 30),)
    )
    header = "Timestamp,Accelerometer X,Accelerometer Y,Accelerometer Z"
    return write(folder / "P1RAW.csv", [*actigraph_preamble("dd/MM/yyyy", "11/12/2024"), *table(header, rows)])


def actigraph_untimed(folder: Path) -> Path:
    """No time stamps; month before day."""
    rows = table("Accelerometer X,Accelerometer Y,Accelerometer Z", samples(1 / G))
    return write(folder / "P1RAW.csv", [*actigraph_preamble("M/d/yyyy", "12/11/2024"), *rows])


def actigraph_bare(folder: Path) -> Path:
    """Neither time stamps nor a header; decimal commas."""
    rows = [line.replace(".", ",") for line in table(None, samples(1 / G), ";")]
    return write(folder / "P1RAW.csv", [*actigraph_preamble("d.M.yyyy", "11.12.2024"), *rows])


def axivity(folder: Path) -> Path:
    rows = (
        (f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond // 1000:03d}", *row)
        for i, row in enumerate(samples(1 / G))
        for t in (START + timedelta(milliseconds=20 * i),)
    )
    return write(folder / "CWA-DATA.csv", table(None, rows))


def axivity_header(folder: Path) -> Path:
    values = (signal() * [*[1 / G] * 3, *[180 / np.pi] * 3]).tolist()
    rows = ((f"{START + timedelta(milliseconds=20 * i):%Y-%m-%d %H:%M:%S.%f}", *row) for i, row in enumerate(values))
    header = "Time,Accel-X (g), Accel-Y (g), Accel-Z (g), Gyro-X (d/s), Gyro-Y (d/s), Gyro-Z (d/s)"
    return write(folder / "resampled.csv", table(header, rows))


def axivity_cwa(folder: Path) -> Path:
    path = folder / "CWA-DATA.CWA"
    path.write_bytes(b"MD\xfc\x03" + bytes(1020))
    return path


def empatica(folder: Path) -> Path:
    rows = [",".join(str(round(value * 64 / G)) for value in row) for row in samples()]
    return write(folder / "ACC.csv", [", ".join(["1582023610.00"] * 3), ", ".join(["32.000000"] * 3), *rows])


def polar(folder: Path) -> Path:
    rows = (
        ((START + timedelta(milliseconds=20 * i)).isoformat(timespec="milliseconds"), 599628005694359040 + i * MS20,
         *(round(value * 1000 / G) for value in row))
        for i, row in enumerate(samples())
    )  # fmt: skip
    header = "Phone timestamp;sensor timestamp [ns];X [mg];Y [mg];Z [mg] "
    return write(folder / "Polar_H10_12345678_20241211_174140_ACC.txt", table(header, rows, ";"))


def polar_gyro(folder: Path) -> Path:
    rows = (("2024-12-11T17:41:40.000", 599628005694359040 + i * 20_000_000, *row) for i, row in _rotations())
    header = "Phone timestamp;sensor timestamp [ns];X [dps];Y [dps];Z [dps]"
    return write(folder / "Polar_Sense_1_GYRO.txt", table(header, rows, ";"))


def hhar(folder: Path) -> Path:
    rows = (
        (i, 1424696633908 + i, 1424696631913248572 + i * 20_000_000, *row, "a", "nexus4", "nexus4_1",
         "stand" if i < 100 else "null")
        for i, row in enumerate(samples())
    )  # fmt: skip
    header = "Index,Arrival_Time,Creation_Time,x,y,z,User,Model,Device,gt"
    return write(folder / "Phones_accelerometer.csv", table(header, rows))


def hhar_gyro(folder: Path) -> Path:
    told = ("a", "gear", "gear_1", "sit")
    rows = ((i, 1424696633908 + i, 27920678471000 + i * 5_000_000, *row, *told) for i, row in _rotations())
    header = "Index,Arrival_Time,Creation_Time,x,y,z,User,Model,Device,gt"
    return write(folder / "Watch_gyroscope.csv", table(header, rows))


MAKERS: Mapping[str, tuple[Made, ...]] = {
    "sensor_logger": (sensor_logger, sensor_logger_ios, sensor_logger_json),
    "phyphox": (phyphox, phyphox_german, phyphox_tab),
    "androsensor": (androsensor, androsensor_sep),
    "physics_toolbox": (physics_toolbox, physics_toolbox_clock),
    "sensorlog": (sensorlog, sensorlog_json),
    "matlab_mobile": (matlab_mobile,),
    "edge_impulse": (edge_impulse, edge_impulse_cbor, edge_impulse_csv),
    "wisdm": (wisdm, wisdm_watch),
    "pamap2": (pamap2,),
    "mhealth": (mhealth,),
    "opportunity": (opportunity,),
    "actigraph": (actigraph, actigraph_untimed, actigraph_bare),
    "axivity": (axivity, axivity_header),
    "empatica": (empatica,),
    "polar": (polar, polar_gyro),
    "hhar": (hhar, hhar_gyro),
}
"""Format to makers of files that it reads."""
