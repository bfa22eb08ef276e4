"""Which files below a folder are recordings, by their names alone."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from factory.contracts.table import escape
from factory.data.guess.path_words import plain, plain_words
from factory.data.intake.members import SUFFIXES, Member
from factory.data.intake.patterns import fit

_NO_DATA = plain_words(
    """
    .py .ipynb .m .r .rmd .jl .c .h .cpp .java .kt .js .ts .sh .bat .exe .md .rst .pdf .doc .docx .ppt .pptx .odt
    .rtf .htm .html .css .png .jpg .jpeg .gif .bmp .svg .tif .tiff .webp .heic .mp4 .mov .avi .mkv .mp3 .m4a .wav .aac
    .kml .kmz .gpx .plist .yaml .yml .toml .ini .cfg .conf .bib .tex .lock .pyc .url .lnk .xml .db .tmp .bak .md5
    .sha256
    .labels .torrent .ds_store .sqlite .pkl .pickle .pt .onnx .tflite .joblib .h5 .hdf5
    """
)
_NO_DATA_STEMS = plain_words(
    """
    readme metadata meta license licence copying copyright changelog changes notes note info information config
    settings requirements manifest participants participant demographics description legend features authors
    citation version about summary questionnaire survey todo contents index codebook protocol setup
    device devices dataset_description
    features_info sensors
    """
)
_NO_DATA_ENDS = ("_info", "_metadata", "_meta", "_readme", "_description", "_demographics", "_config", "_legend")
_LABEL_STEMS = plain_words(
    """
    label labels annotation annotations annotated event events marker markers tag tags interval intervals segments
    groundtruth ground_truth gt activities activity_labels activity_label labels_map class_names classes
    activity_log activities_log label_log event_log annotation_log diary activity_diary schedule timeline
    """
)
_LABEL_ENDS = ("labels", "annotation", "annotations", "intervals", "markers", "events", "groundtruth")
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,7}$")
_RARE = 0.2
"""Share of the most frequent depth or suffix below which another one holds no recordings."""


class FileKinds:
    """The names of files, sorted apart.

    Attributes:
        data: Recordings; all lie equally deep, unless `mixed`.
        labels: May hold labels.
        others: Known not to hold recordings.
        unlike: Might hold recordings, but stand elsewhere or are of another type.
        mixed: Whether recordings lie at several depths, so that no one pattern names their parts.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        names = [member.name for member in members]
        told = {name: _told(name) for name in names}
        if "data" not in told.values() and names:
            told = {name: "data" if kind == "labels" or _tabular(name) else kind for name, kind in told.items()}
        self.labels = [name for name in names if told[name] == "labels"]
        self.others = [name for name in names if told[name] == "other"]
        data = [name for name in names if told[name] == "data"]
        self.data, self.unlike, self.mixed = _alike(data)

    def ignore(self, pattern: str) -> tuple[str, ...]:
        """Patterns of what holds no recordings; label files only where `pattern` would fit them."""
        left = self.others + self.unlike + [name for name in self.labels if fit(pattern, name) is not None]
        return tuple(dict.fromkeys(_covering(name, left, self.data) for name in left))


def split_suffix(name: str) -> tuple[str, str]:
    """A file's name without and with only its suffix, that of a compression included."""
    bare, packed = name, ""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            bare, packed = name[: -len(suffix)], name[-len(suffix) :]
    found = _SUFFIX.search(bare)
    if found is None or not bare[: found.start()].rpartition("/")[2]:
        return bare, packed
    return bare[: found.start()], bare[found.start() :] + packed


def _told(name: str) -> str:
    pure = PurePosixPath(name)
    stem, suffix = split_suffix(pure.name)
    stem, suffix = plain(stem).replace(" ", "_").replace("-", "_"), suffix.lower()
    if suffix in _NO_DATA or stem in _NO_DATA_STEMS or stem.endswith(_NO_DATA_ENDS):
        return "other"
    if stem.startswith(("readme", "license", "licence", "changelog")):
        return "other"
    if stem in _LABEL_STEMS or re.split(r"[_. ]", stem)[-1] in _LABEL_ENDS:
        return "labels"
    return "data"


def _tabular(name: str) -> bool:
    return split_suffix(name)[1].lower() not in _NO_DATA


def _alike(names: list[str]) -> tuple[list[str], list[str], bool]:
    """The recordings, what is unlike them, and whether they lie at several depths."""
    depths = Counter(name.count("/") for name in names)
    if not depths:
        return [], [], False
    most = max(depths.values())
    deep = {depth for depth, count in depths.items() if count == most or count >= _RARE * most}
    data = [name for name in names if name.count("/") in deep]
    suffixes = Counter(_kind(name) for name in data)
    most = max(suffixes.values())
    common = {kind for kind, count in suffixes.items() if count == most or count >= _RARE * most}
    data = [name for name in data if _kind(name) in common]
    kept = set(data)
    return data, [name for name in names if name not in kept], len({name.count("/") for name in data}) > 1


def _kind(name: str) -> str:
    """The suffix in lower case, without that of a compression."""
    suffix = split_suffix(name)[1].lower()
    for packed in SUFFIXES:
        suffix = suffix.removesuffix(packed)
    return suffix


def _covering(name: str, left: Sequence[str], data: Sequence[str]) -> str:
    """A short pattern for a file that holds no recordings; fits none of `data`."""
    pure = PurePosixPath(name)
    suffix = split_suffix(pure.name)[1]
    alike = [f"**/*{escape(suffix)}"] if suffix and suffix.lower() in _NO_DATA else []
    if sum(PurePosixPath(other).name == pure.name for other in left) > 1:
        alike.append(f"**/{escape(pure.name)}")
    folders = [str(folder) for folder in reversed(pure.parents[:-1])]
    alike += [f"{escape(f)}/**" for f in folders if sum(other.startswith(f"{f}/") for other in left) > 1]
    for pattern in alike:
        if not any(fit(pattern, other) is not None for other in data):
            return pattern
    return escape(name)
