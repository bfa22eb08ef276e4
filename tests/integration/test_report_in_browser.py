"""The report as a browser shows it: a desktop window, a phone's width, light and dark."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

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
  const outside = [...page.querySelectorAll("body *")].filter((element) =>
    !element.closest(".scroll, pre, svg, thead, caption") && element.getBoundingClientRect().right > width + 1);
  document.getElementById("found").textContent = JSON.stringify({{
    page: page.scrollingElement.scrollWidth,
    outside: outside.map((element) => element.outerHTML.slice(0, 80)) }});
}};</script></body>"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Browser:
    """A headless Chromium with a profile of its own."""

    program: str
    profile: Path

    def run(self, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
        command = [self.program, *QUIET, f"--user-data-dir={self.profile}", *options, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"needs a browser: install one of {', '.join(BROWSERS)}")
    return Browser(program=program, profile=tmp_path / "profile")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with all that can make a page wide: long and hostile labels, failures, obstacles."""
    labels = (*(f"activity_number_{number}" for number in range(18)), "<script>document.title='taken'</script>")
    made = example.with_second_target(example.manifest(labels))
    manifest = made.model_copy(
        update={"checks": made.checks + example.failing(), "phone_obstacles": ("needs filter median on acc_x",)}
    )
    example.write_epochs(tmp_path)
    write_report(tmp_path, manifest, tmp_path / "report.html")
    return tmp_path / "report.html"


def test_every_section_is_in_the_page_and_the_console_is_silent(browser: Browser, report: Path) -> None:
    done = browser.run(report, "--dump-dom", "--window-size=1280,1000")
    assert all(f'id="{section}"' in done.stdout for section in SECTIONS)
    assert done.stdout.count("<svg") == 8
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
    page = html.escape(report.read_text(encoding="utf-8"))
    wrapper = report.with_name("wrapper.html")
    wrapper.write_text(WRAPPER.format(page=page, width=width, height=800), encoding="utf-8")
    done = browser.run(wrapper, "--dump-dom", "--window-size=1400,1000")
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match is not None
    found = json.loads(html.unescape(match[1]))
    return found["page"], found["outside"]
