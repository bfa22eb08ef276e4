"""The page of `factory data show`: one self-contained HTML file in which a person looks at recordings.

plotly.js is in the page, signals are numbers in it as text, and only the chosen recording is drawn. Names of people
and labels are a user's: templates escape them, JSON goes into the page with every '<' escaped, the script shows text as
text, and a content policy runs no script but the two of this file and loads nothing.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from factory.contracts.dataset import NULL, UNLABELLED
from factory.contracts.files import atomic_write
from factory.contracts.overview import Overview, RecordingOverview
from factory.contracts.report import Finding, Place
from factory.contracts.window import Channel
from factory.reporting import text
from factory.reporting.html import environment
from factory.reporting.packed import Packed, pack

SPECIAL_LABELS = {UNLABELLED: "unlabelled", NULL: "null: of no class"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """A finding, and the links to where it occurs."""

    finding: Finding
    places: tuple[tuple[str, str], ...]


def write_page(overview: Overview, findings: Sequence[Finding], out: Path) -> None:
    """Write the page.

    Args:
        overview: What is drawn.
        findings: Of the data check, gravest first; those with places are marked there.
        out: The HTML file, replaced at once or not at all.

    Raises:
        StorageError: The disk is full or not writable.
    """
    page = render(overview, findings)
    with atomic_write(out) as temporary:
        temporary.write_bytes(page.encode("utf-8", "replace"))


def render(overview: Overview, findings: Sequence[Finding]) -> str:
    """The page as HTML; the same arguments give the same text."""
    from plotly.offline import get_plotlyjs

    index = {(item.subject, item.session): place for place, item in enumerate(overview.recordings)}
    packed = [pack(item.line, item.begin_s) for item in overview.recordings]
    scripts = [_script(get_plotlyjs()), _script(_template_text("recordings.js"))]
    return (
        environment()
        .get_template("recordings.html.j2")
        .render(
            o=overview,
            special=SPECIAL_LABELS,
            scripts=scripts,
            policy=" ".join(f"'sha256-{_sha256(script)}'" for script in scripts),
            data=_json(_page_data(overview, packed, findings, index)),
            signals=[signal.text for signal in packed],
            suspects=[
                (item, _link_to(overview, item.recording, item.begin_s, item.end_s)) for item in overview.suspects
            ],
            pinned=[_pinned(finding, overview, index) for finding in findings],
            severities=Counter(finding.severity.value for finding in findings),
            seconds_in_all=sum(person.seconds for person in overview.people),
            gaps=sum(item.gap_count for item in overview.recordings),
            rates=_rates(overview),
            codes=sorted({finding.code for finding in findings if finding.places}),
            coarsest=max((item.line.every for item in overview.recordings), default=1),
        )
    )


def _page_data(
    overview: Overview, packed: Sequence[Packed], findings: Sequence[Finding], index: dict[tuple[str, str], int]
) -> dict[str, Any]:
    return {
        "labels": overview.labels,
        "panels": _panels(overview.channels),
        "recordings": [_recording(item, signal) for item, signal in zip(overview.recordings, packed, strict=True)],
        "marks": [*_suspect_marks(overview), *_finding_marks(overview, findings, index)],
    }


def _panels(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """Channels of one sensor are drawn together."""
    panels: dict[str, dict[str, Any]] = {}
    for column, channel in enumerate(channels):
        title = channel.name.removesuffix(channel.axis).rstrip("_") or channel.name
        panel = panels.setdefault(title, {"title": title, "unit": text.unit(channel.unit), "channels": []})
        panel["channels"].append({"column": column, "name": channel.name, "axis": channel.axis})
    return list(panels.values())


def _recording(item: RecordingOverview, signal: Packed) -> dict[str, Any]:
    begin = item.begin_s
    return {
        "subject": item.subject,
        "session": item.session,
        "link": _link(item.subject, item.session),
        "samples": item.samples,
        "begin": begin,
        "seconds": _rounded(item.end_s - begin),
        "rate": item.rate_hz,
        "off": item.off_share,
        "gapCount": item.gap_count,
        "gaps": [[_rounded(low - begin), _rounded(high - begin)] for low, high in item.gaps],
        "notFinite": item.not_finite,
        "runs": {
            "label": item.runs.label.tolist(),
            "begin": [_rounded(value - begin) for value in item.runs.begin_s.tolist()],
            "end": [_rounded(value - begin) for value in item.runs.end_s.tolist()],
        },
        "points": signal.points,
        "breaks": item.line.breaks.tolist(),
        "every": item.line.every,
        "codes": signal.codes,
    }


def _suspect_marks(overview: Overview) -> Iterator[dict[str, Any]]:
    for suspect in overview.suspects:
        begin = overview.recordings[suspect.recording].begin_s
        like = f", looks more like {overview.labels[suspect.like]}" if suspect.like is not None else ""
        yield {
            "recording": suspect.recording,
            "kind": "unlike",
            "code": "unlike",
            "text": f"labelled {overview.labels[suspect.label]}{like}",
            "begin": _rounded(suspect.begin_s - begin),
            "end": _rounded(suspect.end_s - begin),
            "label": overview.labels[suspect.label],
            "ordinary": _link_to(overview, *suspect.ordinary) if suspect.ordinary else None,
        }


def _finding_marks(
    overview: Overview, findings: Sequence[Finding], index: dict[tuple[str, str], int]
) -> Iterator[dict[str, Any]]:
    for finding in findings:
        for place in finding.places:
            if (where := index.get((place.subject, place.session))) is None:
                continue
            begin, end = _span(overview.recordings[where], place)
            yield {
                "recording": where,
                "kind": finding.severity.value,
                "code": finding.code,
                "text": f"{finding.where}: {finding.message}",
                "begin": _rounded(begin),
                "end": _rounded(end),
            }


def _pinned(finding: Finding, overview: Overview, index: dict[tuple[str, str], int]) -> Pinned:
    """A finding and its places; a place that the page does not draw gets no link."""
    links = []
    for place in finding.places:
        where = index.get((place.subject, place.session))
        if where is None:
            continue
        name = f"{place.subject} / {place.session}"
        if place.start_s is None:
            links.append((name, _link(place.subject, place.session)))
        else:
            begin, end = _span(overview.recordings[where], place)
            links.append((f"{name}, {begin:.1f} s", f"{_link(place.subject, place.session)}@{begin:.2f}-{end:.2f}"))
    return Pinned(finding=finding, places=tuple(links))


def _span(item: RecordingOverview, place: Place) -> tuple[float, float]:
    """A place's begin and end in seconds from the recording's begin."""
    begin = place.start_s if place.start_s is not None else item.begin_s
    end = place.end_s if place.end_s is not None else (item.end_s if place.start_s is None else begin)
    return begin - item.begin_s, max(begin, end) - item.begin_s


def _link(subject: str, session: str) -> str:
    """The page's fragment of a recording: subject/session, each percent-encoded."""
    return "/".join(quote(name, safe="", errors="replace") for name in (subject, session))


def _link_to(overview: Overview, recording: int, begin_s: float, end_s: float) -> str:
    item = overview.recordings[recording]
    return f"{_link(item.subject, item.session)}@{begin_s - item.begin_s:.2f}-{end_s - item.begin_s:.2f}"


def _rates(overview: Overview) -> str:
    """The rates of all recordings: one, or the lowest and the highest."""
    rates = sorted(item.rate_hz for item in overview.recordings if item.rate_hz is not None)
    if not rates:
        return "unknown rate"
    low, high = (f"{rate:.4g}" for rate in (rates[0], rates[-1]))
    return f"{low} Hz" if low == high else f"{low} to {high} Hz"


def _rounded(value: float) -> float:
    return round(value, 4)


def _json(value: Any) -> Markup:
    """JSON that stands in a script element: nothing in it can end the element."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(written)  # noqa: S704


def _script(code: str) -> Markup:
    """Code that stands in a script element; browsers hash it with plain line ends."""
    assert "</script" not in code.lower()
    return Markup(code.replace("\r\n", "\n").replace("\r", "\n"))  # noqa: S704


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _template_text(name: str) -> str:
    return files("factory.reporting").joinpath("templates", name).read_text(encoding="utf-8")
