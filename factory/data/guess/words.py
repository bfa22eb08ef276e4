"""The words by which columns, folders and files say what they hold, in the languages people write them in."""

import re
import unicodedata
from collections.abc import Iterable

SUBJECT = (
    "subject", "subj", "participant", "person", "user", "volunteer", "patient", "proband", "uid", "userid", "wearer",
    "who", "pid", "athlete", "player", "teilnehmer", "versuchsperson", "benutzer", "nutzer", "trager", "vp", "sujet",
    "utilisateur", "personne", "sujeto", "participante", "usuario", "persona", "soggetto", "utente", "sujeito",
    "被験者", "参加者", "対象者", "ユーザ", "受试者", "被试", "用户", "参与者", "피험자", "참가자", "사용자",
)  # fmt: skip
SESSION = (
    "session", "trial", "recording", "rec", "record", "experiment", "exp", "run", "sequence", "bout", "take", "file",
    "sitzung", "versuch", "aufnahme", "durchgang", "essai", "sesion", "ensayo", "grabacion", "enregistrement",
    "セッション", "試行", "記録", "录制", "实验", "试验", "세션",
)  # fmt: skip
TRUTH = ("gt", "truth", "groundtruth", "annotation", "annotated", "label", "annotiert")
LABEL = (
    *TRUTH, "activity", "class", "target", "action", "exercise", "gesture", "behaviour", "behavior", "task", "state",
    "aktivitat", "tatigkeit", "ubung", "klasse", "bezeichnung", "activite", "classe", "etiquette", "exercice",
    "actividad", "clase", "etiqueta", "ejercicio", "attivita", "atividade", "行動", "活動", "ラベル", "動作", "运动",
    "活动", "动作", "标签", "行为", "类别", "활동", "동작", "라벨",
)  # fmt: skip
TIME = (
    "timestamp", "time", "ts", "datetime", "date", "epoch", "unix", "millis", "elapsed", "t", "utc", "clock", "zeit",
    "zeitstempel", "datum", "uhrzeit", "temps", "horodatage", "heure", "tiempo", "fecha", "hora", "tempo",
    "duration", "時間", "時刻", "日時", "タイムスタンプ", "时间", "時间", "시간",
)  # fmt: skip
NOT_SENSOR_TIME = ("location", "gps", "logging", "arrival", "heartbeat", "system", "upload", "received", "server")
"""Words of times that are not the sensor's own."""
ACCELERATION = (
    "acc", "accel", "accelerometer", "acceleration", "accelero", "a", "linacc", "totalacceleration", "beschleunigung",
    "beschl", "accelerometre", "aceleracion", "acelerometro", "accelerazione", "gf", "加速度", "加速", "가속도",
)  # fmt: skip
ROTATION = (
    "gyro", "gyr", "gyroscope", "rotation", "angular", "g", "gyros", "w", "omega", "drehrate", "gyroskop",
    "winkelgeschwindigkeit", "angulaire", "gyrometre", "giroscopio", "giro", "角速度", "ジャイロ", "陀螺", "자이로",
    "각속도",
)  # fmt: skip
MAGNETIC = (
    "mag", "magnetometer", "magnetic", "m", "magneto", "magnetfeld", "magnetometre", "magnetometro", "磁", "지자기",
)  # fmt: skip
LINEAR = ("linear", "user", "body", "linacc", "lin", "linaccel", "lineare", "線形", "线性")
NOT_SENSORS = (
    "gravity", "grav", "attitude", "quaternion", "quat", "roll", "pitch", "yaw", "orientation", "vector", "euler",
    "magnitude", "absolute", "norm", "angle",
)  # fmt: skip
NOT_LABELS = ("confidence", "probability", "prob", "score", "accuracy", "count", "duration", "index", "conf")
NOT_PEOPLE = ("agent", "acceleration", "accelerometer", "magnitude", "height", "weight", "age", "confidence", "count")
SENSOR = (
    "sensor", "device", "side", "placement", "position", "node", "imu", "source", "modality", "stream", "site",
    "body", "seite", "gerat", "capteur", "dispositivo", "センサ", "传感器",
)  # fmt: skip
PLACES = (
    "wrist", "waist", "pocket", "arm", "leg", "chest", "ankle", "torso", "hand", "head", "hip", "thigh", "back",
    "foot", "shin", "left", "right", "upper", "lower", "forearm", "neck", "belt", "knee", "links", "rechts",
)  # fmt: skip
NULL = (
    "null", "none", "other", "others", "unknown", "undefined", "transition", "transitions", "transient", "idle",
    "background", "no activity", "noactivity", "nothing", "no label", "misc", "null class", "?", "999", "99", "9999",
    "-999", "-99", "sonstiges", "unbekannt", "autre", "inconnu", "otro", "desconocido", "その他", "不明", "其他",
    "未知",
)  # fmt: skip
"""Labels, in lower case with blanks for _ and -, that may mean: none of the activities."""
UNLABELLED = ("", "nan", "na", "n/a", "unlabelled", "unlabeled", "-1", "<na>")
"""Labels in lower case that mean: nobody said."""
_PREFIX = 5
"""Length from which a word may go on: 'subject' is in 'subjectid', 'proband' in 'probandennummer'."""


def words(name: str) -> tuple[str, ...]:
    """The words of a name, lower case, without accents: 'accelerometerX' and 'Accelerometer_x (g)' start alike.

    '16g' stays one word: it is a sensor's range and no unit.
    """
    plain = "".join(unicodedata.normalize("NFKD", sign)[0] if ord(sign) < 0x250 else sign for sign in name)
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    spaced = re.sub(r"(?<=[^\x00-\u024f])(?=[A-Za-z])|(?<=[A-Za-z])(?=[^\x00-\u024f])", " ", spaced)
    return tuple(re.findall(r"\d+g(?![^\W\d_])|[^\W\d_]+|\d+", spaced.lower()))


def says(name: str, vocabulary: Iterable[str]) -> str | None:
    """The first word of the vocabulary that a name holds, or None."""
    parts = words(name)
    for word in vocabulary:
        if not word.isascii():
            if word in name:
                return word
        elif word in parts or (len(word) >= _PREFIX and any(part.startswith(word) for part in parts)):
            return word
    return None
