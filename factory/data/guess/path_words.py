"""The words of paths: activities in several languages, sensors, places on the body, markers, dates and identifiers."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


def plain(text: str) -> str:
    """Case, width and accents taken off."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn"))


def plain_words(text: str) -> frozenset[str]:
    """The words of a text, each as `plain` has it."""
    return frozenset(plain(word) for word in text.split())


_ACTIVITIES = """
walk walks walking walked wlk wal jog jogs jogging run runs running sit sits sitting sitdown std stand stands standing
standup still lie lies lying lay laying stairs stair upstairs downstairs ups dws dwn up down climb climbing climbstairs
ascend ascending descend descending cycle cycling bike biking bicycling drive driving car bus train tram metro subway
ride riding jump jumps jumping hop hopping skip skipping skate skating ski skiing dance dancing swim swimming row rowing
squat squats squatting lunge lunges pushup pushups situp situps plank burpee burpees lift lifting throw throwing catch
kick kicking punch clap clapping wave waving knock type typing write writing read reading eat eating drink drinking
sleep sleeping rest resting nap iron ironing vacuum vacuuming sweep sweeping cook cooking clean cleaning wash washing
brush brushing teeth fold folding dribble dribbling basketball soccer tennis golf yoga stretch stretching bend bending
turn turning fall falls falling fell stumble crawl crawling march marching stroll strolling hike hiking sprint sprinting
treadmill elliptical crosstrainer stepper going nordic pasta soup chips sandwich gait tug idle null transition
transitions elevator escalator shake shaking pick place open close push pull carry carrying stomp inactive
gehen geht gehend laufen rennen joggen sitzen sitzend stehen stehend liegen liegend treppe treppen treppauf treppab
treppensteigen radfahren fahrrad fahren springen huepfen hüpfen hinsetzen aufstehen hoch runter hinauf hinunter ruhe
schlafen essen trinken tippen schreiben tanzen schwimmen kniebeuge
marche marcher marchant courir assis assise debout allonge allongé couche couché monter descendre escalier
escaliers velo vélo sauter conduire dormir manger boire
caminar caminando camina andar andando correr corriendo sentado sentada sentarse parado parada acostado acostada
tumbado subir subiendo bajar bajando escaleras escalera bicicleta saltar conducir
camminare camminata correre corsa seduto seduta piedi sdraiato salire scendere saltare guidare
caminhar caminhando correndo sentar deitado deitada subindo descer descendo escadas pedalar pular
lopen wandelen rennen zitten staan liggen fietsen traplopen springen ga gå sitta stå ligga springa springa cykla
gang løbe lobe sidde ligge cykle kävely juoksu istua seistä
chodzenie chod chód bieganie bieg siedzenie stanie lezenie leżenie schody chuze chůze beh běh
yurume yürüme kosma koşma oturma ayakta yatma ходьба бег сидение стояние лежание ходить бегать сидеть стоять лежать
歩く 歩き 歩行 走る 走り 走行 座る 立つ 寝る 横になる 階段 階段上り 階段下り 上る 下る 跳ぶ ジャンプ 自転車 運転
ジョギング 步行 走路 走 跑步 跑 慢跑 坐 坐着 站 站立 躺 躺着 上楼 下楼 上楼梯 下楼梯 骑车 骑行 跳 跳跃 开车
걷기 걷다 달리기 앉기 서기 눕기 뛰기 계단 चलना दौड़ना बैठना المشي الجري الجلوس الوقوف הליכה ריצה ישיבה עמידה
"""
_WITHIN = """
on the to in of with and at a fast slow slowly quick quickly normal brisk hard light forward forwards backward backwards
flat inclined incline lot parking moving outside inside floor sofa bed chair hands hand phone dishes level from while
auf ab der die das im mit und schnell langsam de en la le les el por y rapide lent
"""
_AFTER_TURN = frozenset(("left", "right", "around", "back", "links", "rechts"))
_TURNS = ("turn", "turning", "lie", "lying", "laying", "lay", "jump", "jumping", "hop", "hopping")
_SENSORS = """
acc accel accelerometer accelerometers acceleration accelero acce beschleunigung accelerometre acelerometro acelerómetro
akzelerometer gyro gyr gyroscope gyroscopes gyros gyroskop gyroscopio giroscopio giroscópio giroskop mag magn
magnetometer magnetic magneto magnetfeld gravity grav imu imus gravitation rotation orientation attitude
quaternion quat barometer pressure ecg ekg emg ppg bvp eda gsr hr heartrate ibi temp temperature location gps pedometer
microphone light proximity compass linacc totalacc bodyacc useracceleration totalacceleration linearacceleration
angularvelocity motion devicemotion sensor 加速度 加速度計 角速度 ジャイロ 加速度计 陀螺仪 磁力计 가속도 자이로
"""
_SENSOR_MODIFIERS = """
linear total user body raw uncalibrated calibrated device fused rate angular velocity field data meter graph without
with g filtered
"""
_PLACES = """
wrist wrists waist belt pocket trouser trousers pants arm arms forearm upperarm leg legs knee chest ankle torso hand
hands head hip hips thigh shin calf foot feet back neck ear pelvis sternum lumbar trunk elbow shoulder finger left right
upper lower lwrist rwrist lankle rankle lthigh rthigh lhand rhand leftwrist rightwrist bag backpack jacket shirt phone
smartphone watch smartwatch earbud earbuds glasses ring headset handgelenk arm bein brust knöchel knoechel hüfte huefte
tasche links rechts hosentasche poignet cheville hanche poitrine muñeca muneca tobillo cadera pecho 手首 腰 足首 胸
"""

PERSON_WORDS = plain_words("""
subject subjects subj sub user usr participant participants part_id person pers people volunteer patient pat proband
probandin wearer uid userid subjectid participantid athlete player pt ptid sujet utilisateur sujeto usuario persona
benutzer nutzer teilnehmer versuchsperson vp vpn soggetto utente osoba uczestnik испытуемый 被験者 ユーザー 用户 被试
사용자 name who id
""")
PERSON_LETTERS = {"p": 4.0, "s": 3.0, "u": 3.5, "h": 0.5, "v": 1.0, "c": 0.5}
LABEL_WORDS = plain_words("""
activity activities act label class classes target action exercise exercice gesture motion behaviour behavior task
movement aktivität aktivitaet aktivitat übung uebung actividad activité attivita categoria category 活動 动作
""")
LABEL_LETTERS = {"a": 2.0, "g": 1.0, "c": 1.0, "m": 0.5, "l": 0.5, "e": 0.3}
SESSION_WORDS = plain_words("""
session sess ses trial trials exp experiment rec record recording recordings run take part chunk segment seg seq
sequence file log day date bout repetition rep round visit week test block no nr num scene v ver version versuch
aufnahme sitzung essai seance sesion prueba prova attempt set lap window episode time
""")
SESSION_LETTERS = {"t": 3.0, "r": 2.5, "e": 1.5, "d": 2.0, "n": 1.0, "s": 1.5, "v": 0.5, "w": 0.5}
SENSOR_WORDS = ("sensor", "imu", "signal", "modality", "stream")
PLACE_WORDS = ("placement", "position", "pos", "location", "device", "dev", "place", "site", "body")
SPLIT_WORDS = (
    "train", "training", "test", "testing", "val", "valid", "validation", "labelled", "labeled", "unlabelled",
    "unlabeled", "annotated", "unannotated",
)  # fmt: skip

_DATE = re.compile(
    r"(?<![0-9])(?:"
    r"(?:19|20)\d\d([-_.])[01]?\d\1[0-3]?\d(?:(?:[ _T-]|_at_|-at-| at )?[0-2]\d[-_.:h]?[0-5]\d(?:[-_.:m]?[0-5]\d)?"
    r"(?:[.,_]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|[0-3]?\d([-_.])[01]?\d\2(?:19|20)\d\d(?:[ _T-][0-2]\d[-_.:h][0-5]\d(?:[-_.:m][0-5]\d)?)?"
    r"|(?:19|20)\d\d[01]\d[0-3]\d(?:[ _T-]?[0-2]\d[0-5]\d(?:[0-5]\d)?(?:\d{3})?)?Z?"
    r"|[0-2]\d[-:][0-5]\d[-:][0-5]\d"
    r"|\d{9,19}"
    r")(?![0-9])"
)
_UUID = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32,64})"
                   r"(?![0-9A-Za-z])")  # fmt: skip
_RUN = re.compile(r"[^\W_]+", re.UNICODE)
_HEX = re.compile(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{7,64}")
_CODES = re.compile(r"(?:[^\W\d_]{1,12}\d{1,6}){2,4}")
_PIECE = re.compile(r"\d+|[^\W\d_]+|[^\W_]")
_CAMEL = re.compile(r"(?<=[a-zà-þ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")


class Kind(StrEnum):
    """What a token looks like by itself."""

    WORD = "word"
    NUMBER = "number"
    STAMP = "date, time or identifier"
    LABEL = "activity"
    SENSOR = "sensor"
    PLACE = "placement"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a path's component and the signs in front of it."""

    before: str
    text: str
    kind: Kind


ACTIVITIES, SENSORS, PLACES = plain_words(_ACTIVITIES), plain_words(_SENSORS), plain_words(_PLACES)
_INSIDE, _MODIFIERS = plain_words(_WITHIN), plain_words(_SENSOR_MODIFIERS)
_CLOSING = (
    plain_words(
        """
        up down fast slow slowly quick quickly normal brisk hard light flat inclined incline forward forwards backward
        backwards langsam schnell lent rapide
        """
    )
    | _AFTER_TURN
)
"""Words that may end the name of an activity, though they are none."""


def tokens(component: str, codes: bool, counted_runs: bool) -> tuple[list[Token], str]:
    """The tokens of one component of a path, and what follows the last one.

    Args:
        component: Without slash.
        codes: Whether 'P1T2' is two codes; otherwise it is one identifier.
        counted_runs: Whether 'run' in front of a number counts recordings; otherwise it is an activity.
    """
    pieces, end, tail = [], 0, 0
    for text, start in _pieces(component, codes):
        if text is None:
            continue
        pieces.append(Token(component[end:start], text, _kind(text)))
        end = tail = start + len(text)
    return _phrases(pieces, counted_runs), component[tail:]


def is_activity(text: str) -> bool:
    """Whether the text is an activity, of one or several words."""
    found, _ = tokens(text, codes=True, counted_runs=False)
    return bool(found) and all(token.kind is Kind.LABEL for token in found)


def _pieces(component: str, codes: bool) -> Iterator[tuple[str | None, int]]:
    """Text and place of dates and identifiers, runs of letters, and runs of digits."""
    place = 0
    while place < len(component):
        if special := _UUID.match(component, place) or (
            _DATE.match(component, place) if _starts(component, place) else None
        ):
            yield special[0], place
            place = special.end()
            continue
        run = _RUN.match(component, place)
        if run is None:
            place += 1
            continue
        inner = _DATE.search(run[0]) if not _identifier(run[0], codes) else None
        stop = run.start() + inner.start() if inner is not None and inner.start() > 0 else run.end()
        text = component[place:stop]
        if _identifier(text, codes):
            yield text, place
        else:
            yield from ((part, place + at) for part, at in _letters_and_digits(text))
        place = stop


def _starts(component: str, place: int) -> bool:
    return component[place].isdigit() and not (place and component[place - 1].isdigit())


def _identifier(text: str, codes: bool) -> bool:
    """Whether letters and digits are mixed as nobody writes them."""
    parts = _PIECE.findall(text)
    changes = len(parts) - 1
    if text.isdigit() or changes < 1:
        return False
    if _CODES.fullmatch(text):
        return not codes and changes >= 3
    return bool(_HEX.fullmatch(text)) or (changes >= 2 and text[0].isdigit()) or changes >= 4


def _letters_and_digits(text: str) -> Iterator[tuple[str, int]]:
    for part in _PIECE.finditer(text):
        cuts = [0, *(cut.start() for cut in _CAMEL.finditer(part[0])), len(part[0])]
        for low, high in pairwise(cuts):
            yield part[0][low:high], part.start() + low


def _kind(text: str) -> Kind:
    if text.isdigit() and not _DATE.fullmatch(text):
        return Kind.NUMBER
    if _DATE.fullmatch(text) or _UUID.fullmatch(text) or any(sign.isdigit() for sign in text):
        return Kind.STAMP
    word = plain(text)
    for kind, known in ((Kind.LABEL, ACTIVITIES), (Kind.SENSOR, SENSORS), (Kind.PLACE, PLACES)):
        if word in known:
            return kind
    return Kind.WORD


def _phrases(pieces: list[Token], counted_runs: bool) -> list[Token]:
    """Neighbouring words that are one activity, sensor or placement, joined."""
    joined: list[Token] = []
    at = 0
    while at < len(pieces):
        stop, kind = _phrase(pieces, at, counted_runs)
        text = pieces[at].text + "".join(piece.before + piece.text for piece in pieces[at + 1 : stop])
        joined.append(Token(pieces[at].before, text, kind))
        at = stop
    return _words_without_gap(joined)


def _phrase(pieces: list[Token], at: int, counted_runs: bool) -> tuple[int, Kind]:
    """End and kind of the longest phrase that begins here."""
    if pieces[at].kind in (Kind.NUMBER, Kind.STAMP):
        return at + 1, pieces[at].kind
    best = (at + 1, pieces[at].kind)
    for kind in (Kind.SENSOR, Kind.PLACE, Kind.LABEL):
        stop, solid = at, 0
        while stop < len(pieces) and _belongs(pieces, stop, at, kind, counted_runs):
            stop += 1
            closes = solid and kind is Kind.LABEL and plain(pieces[stop - 1].text) in _CLOSING
            if pieces[stop - 1].kind is kind or closes:
                solid = stop
        if solid > best[0] or (solid == best[0] and pieces[at].kind is kind):
            best = (solid, kind)
    if best[0] == at + 1 and _counted(pieces, at, counted_runs):
        return at + 1, Kind.WORD
    return best


def _belongs(pieces: list[Token], index: int, at: int, kind: Kind, counted_runs: bool) -> bool:
    piece, word = pieces[index], plain(pieces[index].text)
    if piece.kind in (Kind.NUMBER, Kind.STAMP) or _counted(pieces, index, counted_runs):
        return False
    if index > at and piece.before not in ("", "_", "-", " "):
        return False
    if kind is Kind.SENSOR:
        return piece.kind is kind or word in _MODIFIERS
    if kind is Kind.PLACE:
        return piece.kind is kind
    if index > at and word in _AFTER_TURN:
        return plain(pieces[index - 1].text) in _TURNS
    return piece.kind is kind or (index > at and word in _INSIDE)


def _counted(pieces: list[Token], index: int, counted_runs: bool) -> bool:
    """Whether this is the 'run' of 'run_3'."""
    return (
        counted_runs
        and plain(pieces[index].text) == "run"
        and (index + 1 == len(pieces) or pieces[index + 1].kind is Kind.NUMBER)
    )


def _words_without_gap(pieces: list[Token]) -> list[Token]:
    """Parts of one word that its capitals split and nothing names: 'iPhone' stays whole."""
    joined: list[Token] = []
    for piece in pieces:
        if joined and not piece.before and piece.kind is joined[-1].kind is Kind.WORD:
            joined[-1] = Token(joined[-1].before, joined[-1].text + piece.text, Kind.WORD)
        else:
            joined.append(piece)
    return joined
