"""The report as a browser shows it: a desktop window, a phone's width, light and dark."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from factory.reporting.html import write_report
from tests.unit.reporting import example

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--enable-logging=stderr",
)
SECTIONS = ("verdict", "results", "contract", "accuracy", "parity", "training", "data", "checks", "provenance")
DARK = "--blink-settings=preferredColorScheme=0"
WRAPPER = """<!doctype html><body style="margin:0"><pre id="found">nothing</pre>
<iframe id="page" style="border:0;width:{width}px;height:{height}px" srcdoc="{page}"></iframe>
<script>document.getElementById("page").onload = (event) => {{
  const page = event.target.contentDocument, width = event.target.clientWidth;
  document.getElementById("found").textContent = JSON.stringify({script});
}};</script></body>"""
MEASURE = """{
  page: page.scrollingElement.scrollWidth,
  outside: [...page.querySelectorAll("body *")].filter((element) =>
    !element.closest(".scroll, pre, svg, thead, caption") && element.getBoundingClientRect().right > width + 1
  ).map((element) => element.outerHTML.slice(0, 80)) }"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Browser:
    """A headless Chromium with a profile of its own."""

    program: str
    profile: Path

    def run(self, page: Path, *options: str, fragment: str = "") -> subprocess.CompletedProcess[str]:
        address = f"{page.as_uri()}#{fragment}" if fragment else page.as_uri()
        command = [self.program, *QUIET, f"--user-data-dir={self.profile}", *options, address]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def find_browser(profile: Path) -> Browser:
    """The first browser that is installed; tests are skipped, visibly, without one."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"needs a browser: install one of {', '.join(BROWSERS)}")
    return Browser(program=program, profile=profile)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return find_browser(tmp_path / "profile")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with all that can make a page wide: long and hostile labels, failures, obstacles, a poor student."""
    labels = (*(f"activity_number_{number}" for number in range(18)), "<script>document.title='taken'</script>")
    made = example.with_student(example.with_second_target(example.manifest(labels)), example.poor(labels))
    manifest = made.model_copy(
        update={"checks": made.checks + example.failing(), "phone_obstacles": ("needs filter median on acc_x",)}
    )
    example.write_epochs(tmp_path)
    example.write_golden_pack(tmp_path, made.contract, ((0, 1), (18, 2)))
    write_report(tmp_path, manifest, tmp_path / "report.html")
    return tmp_path / "report.html"


def test_every_section_is_in_the_page_and_the_console_is_silent(browser: Browser, report: Path) -> None:
    done = browser.run(report, "--dump-dom", "--window-size=1280,1000")
    assert all(f'id="{section}"' in done.stdout for section in SECTIONS)
    assert done.stdout.count("<svg") == 12
    assert "<title>hapt: build report</title>" in done.stdout
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, report: Path, width: int) -> None:
    wide, outside = measure(browser, report, width)
    assert outside == []
    assert wide == width


def test_the_overflow_check_can_fail(browser: Browser, report: Path) -> None:
    page = report.read_text(encoding="utf-8").replace("<main>", '<main><p style="width: 900px">wide</p>')
    report.write_text(page, encoding="utf-8")
    wide, outside = measure(browser, report, 360)
    assert wide > 900
    assert any("900px" in element for element in outside)


@pytest.mark.parametrize("width", [360, 1280])
def test_eighteen_classes_scroll_inside_their_cards(browser: Browser, report: Path, width: int) -> None:
    """Width of the visible tables, and of the region each scrolls in: the page itself stays as wide as the window."""
    labels = tuple(f"quite_long_activity_{number}" for number in range(18))
    made = example.with_student(example.manifest(labels), example.poor(labels))
    example.write_golden_pack(report.parent, made.contract, ((0, 1), (17, 3)))
    write_report(report.parent, made, report)
    assert measure(browser, report, width) == (width, [])
    found = evaluate(
        browser,
        report,
        width,
        """["confusion", "classes", "balance", "comparison"].map((name) => {
          const scroll = page.querySelector(`#${name} .scroll`);
          return [name, scroll.clientWidth, scroll.scrollWidth, scroll.querySelectorAll("tbody tr").length];
        })""",
    )
    rows = {name: (shown, whole, number) for name, shown, whole, number in found}
    assert [rows[name][2] for name in rows] == [18, 18, 18, 6]
    assert all(shown < width for shown, _, _ in rows.values())
    if width == 360:
        assert rows["confusion"][1] > width, "a matrix of 18 columns is wider than a phone, so it must scroll"


def test_no_card_is_empty(browser: Browser, report: Path) -> None:
    """A card holds figures, a table or a list beside its heading; a build without figures has fewer cards."""
    bare = example.manifest().model_copy(update={"verifications": (), "conversion": (), "checks": (), "mixed": None})
    script = """[...page.querySelectorAll(".card")].filter((card) =>
      !card.querySelector("svg, tbody tr, li, pre")).map((card) => card.outerHTML.slice(0, 90))"""
    assert evaluate(browser, report, 1280, script) == []
    empty = report.parent / "empty"
    write_report(empty, bare, report)
    assert evaluate(browser, report, 1280, script) == []


def test_the_filters_of_the_checks_show_what_was_asked_for(browser: Browser, report: Path) -> None:
    script = """(() => {
      const shown = () => [...page.querySelectorAll("#checks tbody tr")].filter((row) => row.offsetParent !== null);
      const note = () => page.querySelector("#checks .no-match").offsetParent !== null;
      const pick = (id) => { page.getElementById(id).checked = true; return [shown().length, note()]; };
      return { all: [shown().length, note()], failed: pick("outcome-failed"), executorch: pick("target-2"),
        unmatched: pick("outcome-not_run"), not_run: pick("target-all"), jetson: pick("target-1"),
        jetson_all: pick("outcome-all") };
    })()"""
    found = evaluate(browser, report, 1280, script)
    assert found == {
        "all": [14, False],
        "failed": [3, False],
        "executorch": [1, False],
        "unmatched": [0, True],
        "not_run": [1, False],
        "jetson": [0, True],
        "jetson_all": [3, False],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [500, 1280])
def test_a_screenshot_shows_a_page(browser: Browser, report: Path, width: int, scheme: str) -> None:
    picture = report.with_name("picture.png")
    extra = [DARK] if scheme == "dark" else []
    browser.run(report, f"--screenshot={picture}", f"--window-size={width},3000", *extra)
    pixels = image.imread(picture)[..., :3]
    assert pixels.shape[:2] == (3000, width)
    assert (np.median(pixels) < 0.5) == (scheme == "dark")
    for band in np.array_split(pixels, 3):
        assert band.std() > 0.02, "a blank stretch of 1000 pixels"


def measure(browser: Browser, report: Path, width: int) -> tuple[int, list[str]]:
    """Width of the page in a frame, and elements that stick out: a headless window cannot be as narrow as a phone."""
    found = evaluate(browser, report, width, MEASURE)
    return found["page"], found["outside"]


def evaluate(browser: Browser, report: Path, width: int, script: str) -> Any:
    """What an expression finds in the report, shown in a frame of this width; `page` is its document."""
    page = html.escape(report.read_text(encoding="utf-8"))
    wrapper = report.with_name("wrapper.html")
    wrapper.write_text(WRAPPER.format(page=page, width=width, height=800, script=script), encoding="utf-8")
    done = browser.run(wrapper, "--dump-dom", "--window-size=1400,1000")
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match is not None
    return json.loads(html.unescape(match[1]))
