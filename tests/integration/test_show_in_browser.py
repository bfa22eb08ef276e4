"""The page of `factory data show` as a person uses it, in a real browser without a network.

`python -m tests.integration.test_show_in_browser` draws docs/images/recordings.png again.
"""

import html
import json
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image
from PIL import Image

from factory.contracts.overview import Overview
from factory.contracts.progress import Silent
from factory.contracts.report import Finding, Place, Severity
from factory.data.overview import overview
from factory.data.sources import open_source
from factory.recipes import find_recipe
from factory.reporting.recordings_page import write_page
from tests.integration.test_report_in_browser import DARK, Browser, find_browser
from tests.unit.data.exercises import RATE_HZ, Exercises, Held, Mislabelled

HOSTILE_PERSON = "</script><script>document.title='taken'</script>"
HOSTILE_LABEL = """<b>x</b><img src=x onerror="document.title='taken'">"""
FINDING = "lost packets 'here' & <b>there</b>: look"
PATIENCE = "--virtual-time-budget=20000"
DRIVER = """<script>(async () => {{
  const at = (id) => document.getElementById(id), plot = at("plot");
  const settled = async () => {{
    await new Promise((go) => setTimeout(go, 400));
    return plot._fullLayout.xaxis.range.map((value) => +value.toFixed(3));
  }};
  const refused = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
  await settled();
  let found;
  try {{ found = await (async () => {{ {script} }})(); }} catch (error) {{ found = String(error.stack); }}
  const told = document.createElement("pre");
  told.id = "found";
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  told.textContent = JSON.stringify({{ found, refused, loaded }});
  document.body.append(told);
  window.parent.document.title = told.textContent;
}})();</script></body>"""
FRAME = """<!doctype html><body style="margin:0"><iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}">
</iframe>"""


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return find_browser(tmp_path / "profile")


@pytest.fixture(scope="module")
def made() -> tuple[Overview, Mislabelled]:
    """Six people; one stretch of person 5 mislabelled, one gap, one spike, hostile names."""
    return make()


def make(hostile: bool = True) -> tuple[Overview, Mislabelled]:
    exercises = Exercises.of_watch()
    wrong = exercises.mislabel("5", "a", 2, "row")
    exercises.pause("2", "a", 1500, 2.5)
    exercises.held["3", "b"].samples[777, 0] = 120
    if hostile:
        exercises.rename("4", HOSTILE_PERSON)
        exercises.rename("trapezius", HOSTILE_LABEL)
    with tempfile.TemporaryDirectory() as folder:
        recipe = find_recipe(exercises.write(Path(folder)))
        source = open_source(recipe.data.source, recipe.data.description)
        return overview(source, recipe.data, "exercises", None, Silent()), wrong


@pytest.fixture
def page(made: tuple[Overview, Mislabelled], tmp_path: Path) -> Path:
    place = Place(subject="2", session="a", start_s=30, end_s=32.5)
    finding = Finding(severity=Severity.WARNING, code="timing.lost", where="data", message=FINDING, places=(place,))
    write_page(made[0], [finding], tmp_path / "page.html")
    return tmp_path / "page.html"


Drive = Callable[..., Any]


@pytest.fixture
def drive(browser: Browser, page: Path) -> Drive:
    """What a script finds in the page once it is drawn; nothing was loaded or refused, the console is silent."""
    return partial(evaluate, browser, page)


def evaluate(browser: Browser, page: Path, script: str, fragment: str = "", width: int | None = None) -> Any:
    """What a script finds in the page once it is drawn; `width` is of a frame, as narrow as a phone."""
    # The page's own policy lets no script run but its two; here one more must, and the network stays shut.
    content = re.sub(r"script-src [^;]*;", "script-src 'unsafe-inline';", page.read_text(encoding="utf-8"))
    content = content.replace("</body>", DRIVER.format(script=script))
    driven = page.with_name("driven.html")
    if width is not None:
        content = FRAME.format(width=width, page=html.escape(content))
    driven.write_text(content, encoding="utf-8")
    done = browser.run(driven, "--dump-dom", "--window-size=1400,1000", PATIENCE, fragment=fragment)
    pattern = r'<pre id="found">(.*?)</pre>' if width is None else r"<title>(.*?)</title>"
    match = re.search(pattern, done.stdout, re.DOTALL)
    assert match is not None, done.stderr
    told = json.loads(html.unescape(match[1]))
    assert (told["refused"], told["loaded"]) == ([], [])
    assert "CONSOLE" not in done.stderr
    return told["found"]


def test_the_page_draws_under_its_own_policy_and_the_console_is_silent(browser: Browser, page: Path) -> None:
    done = browser.run(page, "--dump-dom", "--window-size=1400,1000", PATIENCE)
    assert "CONSOLE" not in done.stderr
    assert 'class="main-svg"' in done.stdout
    assert done.stdout.count('class="js-line"') == 6 + 6, "three axes of two sensors, and their legends"
    assert "<title>5 / a: recordings</title>" in done.stdout


def test_a_swapped_label_stands_first_and_is_two_clicks_away(drive: Drive, made: tuple[Overview, Mislabelled]) -> None:
    wrong = made[1]
    found = drive("""
      const first = document.querySelector("#panel-unlike a");
      first.click();
      const range = await settled();
      const outlined = plot.layout.shapes.some((shape) => shape.line.dash === "dash");
      return { text: first.textContent, chosen: at("chosen").textContent, range, outlined,
        current: first.getAttribute("aria-current"), names: plot.layout.annotations.map((note) => note.text) };
    """)
    assert found["text"].startswith(f"5 / a, {wrong.begin_s:.0f}–{wrong.end_s:.0f} s")
    assert "row, but more like abduction" in " ".join(found["text"].split())
    assert found["chosen"] == "Person 5, session a"
    assert found["range"] == pytest.approx([wrong.begin_s - 7.5, wrong.end_s + 7.5], abs=0.1)
    assert found["outlined"]
    assert found["current"] == "true"
    assert "row" in found["names"]


def test_zoom_and_pan_by_mouse_button_and_key(drive: Drive) -> None:
    found = drive("""
      const told = { all: await settled() };
      const send = (target, type, x, y) => target.dispatchEvent(new MouseEvent(type,
        { bubbles: true, cancelable: true, view: window, clientX: x, clientY: y, buttons: 1 }));
      const area = plot.querySelectorAll(".nsewdrag");
      const drag = area[area.length - 1], box = drag.getBoundingClientRect();
      const y = box.top + box.height / 2, x = (share) => box.left + share * box.width;
      send(drag, "mousemove", x(0.25), y); send(drag, "mousedown", x(0.25), y);
      send(document, "mousemove", x(0.4), y); send(document, "mousemove", x(0.5), y);
      send(document, "mouseup", x(0.5), y);
      told.dragged = await settled();
      told.height = plot.layout.yaxis3.range.slice();
      at("zoom-in").click(); told.closer = await settled();
      at("later").click(); told.later = await settled();
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "-", bubbles: true }));
      told.wider = await settled();
      at("all").click(); told.again = await settled();
      told.fullHeight = plot.layout.yaxis3.range.slice();
      return told;
    """)
    size = {name: found[name][1] - found[name][0] for name in ("all", "dragged", "closer", "later", "wider", "again")}
    assert size["dragged"] == pytest.approx(size["all"] / 4, rel=0.05)
    assert found["dragged"][0] == pytest.approx(size["all"] / 4 + found["all"][0], abs=2)
    assert size["closer"] == pytest.approx(size["dragged"] / 2, rel=0.01)
    assert found["later"][0] == pytest.approx(found["closer"][0] + size["closer"] / 2, abs=0.01)
    assert size["wider"] == pytest.approx(2 * size["closer"], rel=0.01)
    assert found["again"] == found["all"]
    assert found["height"] != found["fullHeight"], "panels take the height of what is shown"


def test_hostile_names_are_shown_as_they_are_and_do_nothing(drive: Drive) -> None:
    found = drive("""
      const row = [...document.querySelectorAll(".recordings a")].find((link) => link.textContent.includes("script"));
      row.click();
      await settled();
      const title = document.title;
      plot.emit("plotly_relayout", { "xaxis.range": [66, 77] });
      await settled();
      return { title, chosen: at("chosen").textContent, hash: location.hash,
        images: document.querySelectorAll("img:not(.modebar img)").length, scripts: document.scripts.length,
        drawn: [...plot.querySelectorAll(".annotation-text")].map((text) => text.textContent),
        classes: [...document.querySelectorAll("#filter-class option")].map((option) => option.textContent) };
    """)
    assert found["chosen"] == f"Person {HOSTILE_PERSON}, session a"
    assert found["title"] == f"{HOSTILE_PERSON} / a: recordings"
    assert found["hash"].startswith("#%3C%2Fscript%3E")
    assert found["images"] == 0
    assert found["scripts"] == 12 + 1 + 2 + 1
    assert HOSTILE_LABEL in found["classes"]
    assert any(text.startswith("<b>x</b>") for text in found["drawn"])


def test_a_gap_breaks_the_line_and_a_finding_stands_where_it_occurs(drive: Drive) -> None:
    found = drive(
        """
      const line = plot.data.find((trace) => trace.mode === "lines");
      const missing = [...line.x].filter((_, place) => Number.isNaN(line.y[place]));
      at("tab-findings").click();
      const link = document.querySelector("#panel-findings a");
      link.click();
      const range = await settled();
      return { missing, range, facts: at("facts").textContent, notes: at("notes").textContent, hash: location.hash,
        marked: plot.data.filter((trace) => trace.meta === "marks").map((trace) => trace.x),
        gaps: plot.layout.annotations.map((note) => note.text).filter((text) => text.startsWith("gap")) };
    """,
        fragment="2/a",
    )
    assert found["missing"] == [pytest.approx(31.24, abs=0.01)]
    assert "1 gap, the longest 2.5 s" in found["facts"]
    assert FINDING in found["notes"]
    assert found["marked"][1] == [31.25]
    assert found["range"] == pytest.approx([25, 37.5], abs=0.01)
    assert found["gaps"] == ["gap 2.5 s"]


def test_a_deep_link_opens_its_stretch_and_keys_go_from_recording_to_recording(drive: Drive) -> None:
    found = drive(
        """
      const told = { chosen: at("chosen").textContent, range: await settled() };
      const press = async (key, target = document.body) => {
        target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); await settled();
        return at("chosen").textContent; };
      told.next = await press("j");
      told.typed = await press("j", at("filter-name"));
      told.back = await press("k");
      history.back(); await settled();
      told.history = at("chosen").textContent;
      return told;
    """,
        fragment="3/a@20.00-25.00",
    )
    assert (found["chosen"], found["range"]) == ("Person 3, session a", [15, 30])
    assert found["next"] == found["typed"] == found["history"] == "Person 3, session b"
    assert found["back"] == "Person 3, session a"


def test_a_long_recording_shows_more_when_zoomed_into_and_keeps_its_spikes(browser: Browser, tmp_path: Path) -> None:
    """An hour and a half: 270 000 samples a channel in the page, some thousand of them drawn at a time."""
    rng = np.random.default_rng(0)
    exercises = Exercises.of_watch(people=1)
    samples = rng.normal(size=(270_000, 6)).astype(np.float32)
    samples[123_456, 0] = 77
    time_s = np.arange(270_000) / RATE_HZ
    time_s[200_000:] += 5
    exercises.held = {("1", "a"): Held(samples=samples, labels=np.full(270_000, "walk", "<U64"), time_s=time_s)}
    exercises.held["1", "a"].labels[:10_000] = "rest"
    recipe = find_recipe(exercises.write(tmp_path))
    source = open_source(recipe.data.source, recipe.data.description)
    page = tmp_path / "page.html"
    write_page(overview(source, recipe.data, "long", None, Silent()), [], page)
    script = """
      const told = () => { const line = plot.data.find((trace) => trace.mode === "lines"), y = [...line.y];
        return [y.length, Math.max(...y.filter((value) => !Number.isNaN(value))), y.filter(Number.isNaN).length]; };
      const all = told();
      location.hash = "#1/a@2465.00-2475.00"; await settled();
      return { all, near: told(), facts: at("facts").textContent };
    """
    found = evaluate(browser, page, script)
    assert found["all"][0] < 6100
    assert found["all"][1] == pytest.approx(77, abs=0.01)
    assert 0 < found["all"][2] <= 4, "the line is broken at the gap"
    assert found["near"][0] == pytest.approx(3 * 25 * RATE_HZ, abs=5), "every sample shown, and as many to each side"
    assert found["near"][1] == pytest.approx(77, abs=0.01)
    assert "least and largest" not in found["facts"]


def test_a_spike_is_seen(drive: Drive) -> None:
    highest = drive("return Math.max(...plot.data.find((trace) => trace.mode === 'lines').y);", fragment="3/b")
    assert highest == pytest.approx(120)


def test_the_list_is_filtered_by_person_class_and_finding(drive: Drive) -> None:
    found = drive("""
      const set = (id, value) => { at(id).value = value; at(id).dispatchEvent(new Event("input")); };
      const shown = () => [...document.querySelectorAll(".recordings li:not([hidden]) span:first-child")]
        .map((name) => name.textContent);
      const told = { all: shown().length };
      set("filter-name", "2 /"); told.person = shown();
      set("filter-name", ""); set("filter-finding", "timing.lost"); told.finding = shown();
      set("filter-finding", "unlike"); told.unlike = shown();
      set("filter-finding", ""); set("filter-class", "-1"); told.unlabelled = shown().length;
      set("filter-class", ""); set("filter-name", "nobody"); told.none = at("matches").textContent;
      return told;
    """)
    assert found["all"] == found["unlabelled"] == 12
    assert found["person"] == ["2 / a", "2 / b"]
    assert found["finding"] == ["2 / a"]
    assert "5 / a" in found["unlike"]
    assert found["none"] == "0 of 12"


def test_nothing_in_the_page_sends_it_anywhere(drive: Drive) -> None:
    buttons = drive("return [...document.querySelectorAll('.modebar-btn')].map((button) => button.dataset.title);")
    assert buttons == ["Download plot as a PNG", "Zoom", "Pan"]


@pytest.mark.parametrize("width", [360, 768])
def test_a_narrow_window_shows_all_without_scrolling_sideways(drive: Drive, width: int) -> None:
    found = drive(
        """
      const outside = [...document.querySelectorAll("body *")].filter((element) =>
        !element.closest(".scroll, svg, .modebar, #plot") && element.getBoundingClientRect().right > innerWidth + 1);
      const small = [...document.querySelectorAll("button:not(.modebar *)")].filter((button) => button.offsetParent &&
        button.getBoundingClientRect().height < 28);
      return { page: document.scrollingElement.scrollWidth, plot: plot.querySelector(".main-svg").clientWidth,
        outside: outside.map((element) => element.outerHTML.slice(0, 90)), small: small.length,
        names: plot.layout.annotations.length };
    """,
        width=width,
    )
    assert found["outside"] == []
    assert found["page"] == width
    assert 250 < found["plot"] <= width
    assert found["small"] == 0
    assert found["names"] >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screenshot_shows_signals(browser: Browser, page: Path, scheme: str) -> None:
    picture = page.with_name("picture.png")
    extra = [DARK] if scheme == "dark" else []
    browser.run(page, f"--screenshot={picture}", "--window-size=1400,900", PATIENCE, *extra)
    pixels = image.imread(picture)[..., :3]
    assert (np.median(pixels) < 0.5) == (scheme == "dark")
    assert pixels[400:800, 500:1300].std() > 0.05, "no signal is drawn"


def draw_picture(out: Path) -> None:
    """The screenshot of the documentation: the mislabelled stretch, found. In 64 colours, to be small."""
    seen, wrong = make(hostile=False)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        write_page(seen, [], page)
        fragment = f"5/a@{wrong.begin_s:.2f}-{wrong.end_s:.2f}"
        shot = (f"--screenshot={out.resolve()}", "--window-size=1280,860", PATIENCE)
        find_browser(Path(folder) / "profile").run(page, *shot, fragment=fragment)
    Image.open(out).convert("RGB").quantize(64).save(out, optimize=True)


if __name__ == "__main__":
    draw_picture(Path(__file__).parents[2] / "docs" / "images" / "recordings.png")
