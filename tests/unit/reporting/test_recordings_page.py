"""The page of recordings as text: what it holds, how names are escaped, what may run in it."""

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory.contracts.overview import Overview
from factory.contracts.progress import Silent
from factory.contracts.report import Finding, Place, Severity
from factory.data.overview import overview
from factory.data.sources import open_source
from factory.recipes import find_recipe
from factory.reporting.recordings_page import render, write_page
from tests.unit.data.exercises import Exercises

PERSON = "</script><script>document.title='taken'</script>"
LABEL = """<img src=x onerror="document.title='taken'">"""
LINK = "%3C%2Fscript%3E%3Cscript%3Edocument.title%3D%27taken%27%3C%2Fscript%3E/a"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Overview:
    """Two people, one with a hostile name, as is one label."""
    exercises = Exercises.of_watch(people=2)
    exercises.rename("2", PERSON)
    exercises.rename("row", LABEL)
    recipe = find_recipe(exercises.write(tmp_path_factory.mktemp("project")))
    source = open_source(recipe.data.source, recipe.data.description)
    return overview(source, recipe.data, recipe.name, None, Silent())


def finding(*places: Place, message: str = "is odd: look at it") -> Finding:
    return Finding(severity=Severity.WARNING, code="channel.odd", where="acc_x", message=message, places=places)


def data_of(page: str) -> Any:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def test_names_are_text_wherever_they_stand(seen: Overview) -> None:
    page = render(seen, [finding(message=f"{LABEL} is odd: look")])
    assert "<img" not in page.replace("<img>", "")
    assert "<script>document" not in page
    assert html.escape(PERSON, quote=False).replace("'", "&#39;") in page
    data = data_of(page)
    assert LABEL in data["labels"]
    assert PERSON in {item["subject"] for item in data["recordings"]}


def test_only_the_two_scripts_of_the_page_may_run_and_nothing_is_loaded(seen: Overview) -> None:
    page = render(seen, [])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert not re.search(r"connect-src|https?:|unsafe-eval|script-src[^;]*unsafe-inline", policy[1])
    allowed = re.findall(r"'sha256-([^']+)'", policy[1])
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in scripts] == allowed
    assert len(allowed) == 2


def test_a_finding_is_marked_where_it_occurs_and_linked(seen: Overview) -> None:
    late = [
        replace(item, begin_s=item.begin_s + 100, end_s=item.end_s + 100) if item.subject == PERSON else item
        for item in seen.recordings
    ]
    seen = replace(seen, recordings=tuple(late))
    place = Place(subject=PERSON, session="a", start_s=112.5, end_s=114)
    everywhere = Place(subject="1", session="b")
    elsewhere = Place(subject="nobody", session="1", start_s=0, end_s=1)
    page = render(seen, [finding(place, everywhere, elsewhere)])
    marks = [mark for mark in data_of(page)["marks"] if mark["kind"] == "warning"]
    index = {(item.subject, item.session): number for number, item in enumerate(seen.recordings)}
    assert [(mark["recording"], mark["begin"], mark["end"]) for mark in marks] == [
        (index[PERSON, "a"], 12.5, 14.0),
        (index["1", "b"], 0.0, pytest.approx(76.98)),
    ]
    assert f'href="#{LINK}@12.50-14.00"' in page
    assert 'href="#1/b"' in page
    assert "nobody" not in page


def test_every_suspect_is_listed_with_its_link(seen: Overview) -> None:
    page = render(seen, [])
    assert len(re.findall(r"<li><a href=\"#[^\"]*@", page)) == len(seen.suspects)


def test_the_page_is_plotly_and_data_and_the_same_twice(seen: Overview, tmp_path: Path) -> None:
    out = tmp_path / "pages" / "page.html"
    write_page(seen, [], out)
    first = out.read_bytes()
    write_page(seen, [], out)
    assert out.read_bytes() == first
    assert 4_900_000 < len(first) < 5_700_000
