"""How plots are drawn: palette, fonts, and SVG that takes the page's light or dark colours.

Series colours are Okabe and Ito's, told apart with any colour vision; a marker or a label repeats
what a colour says. Matplotlib writes SVG with real text; `svg` replaces the palette's colours by CSS
variables, so that one picture is readable on a light page, a dark one and on paper.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from factory.contracts.artifact import Precision

TEXT = "#1f2a37"
MUTED = "#5b6776"
GRID = "#d9dee5"
CARD = "#fdfefe"
BLUE = "#0072b2"
GREEN = "#009e73"
ORANGE = "#e69f00"
PURPLE = "#a8508c"
RED = "#d55e00"
PRECISION_COLOUR = {
    Precision.FP32: BLUE,
    Precision.FP16: GREEN,
    Precision.INT8_DYNAMIC: ORANGE,
    Precision.INT8_STATIC: PURPLE,
}
PRECISION_MARK = {
    Precision.FP32: "o",
    Precision.FP16: "s",
    Precision.INT8_DYNAMIC: "^",
    Precision.INT8_STATIC: "D",
}
WIDTH_IN = 4.2

_VARIABLE = {
    TEXT: "--text",
    MUTED: "--muted",
    GRID: "--grid",
    CARD: "--card",
    BLUE: "--blue",
    GREEN: "--green",
    ORANGE: "--orange",
    PURPLE: "--purple",
    RED: "--red",
}
_SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": TEXT,
    "axes.labelsize": 9.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": TEXT,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "path.simplify": True,
    "svg.fonttype": "none",
    "text.color": TEXT,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": TEXT,
    "ytick.color": MUTED,
    "ytick.labelcolor": TEXT,
}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@contextmanager
def drawing(salt: str) -> Iterator[None]:
    """Our settings for the length of a with-block; `salt` makes the identifiers in SVG repeatable."""
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": salt}), warnings.catch_warnings():
        # A label in a script that DejaVu lacks: the browser has the font, only the measured width is a guess.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def canvas(height_in: float) -> tuple[Figure, Axes]:
    """A figure of the report's width with one pair of axes."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.add_subplot()


def svg(figure: Figure, name: str, title: str) -> str:
    """Inline SVG without date, scripts or fixed size; identifiers start with `name`, `title` is read aloud."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    written = _NOT_IN_XML.sub("\ufffd", buffer.getvalue())
    root = ElementTree.fromstring(written)  # noqa: S314  matplotlib wrote it, just above
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {_local(key): _adopt(_local(key), value, name) for key, value in element.attrib.items()}
    view = root.attrib["viewBox"]
    root.attrib = {"viewBox": view, "role": "img", "aria-label": title}
    return ElementTree.tostring(root, encoding="unicode")


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _adopt(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return f"#{name}-{value.removeprefix('#')}"
    if key == "clip-path":
        return value.replace("url(#", f"url(#{name}-")
    if key == "style":
        return _COLOUR.sub(_themed, value)
    return value


def _themed(match: re.Match[str]) -> str:
    variable = _VARIABLE.get(match[0])
    return f"var({variable})" if variable else match[0]
