"""JUnit XML and the Markdown summary say what the checks say."""

from xml.etree import ElementTree

from factory.contracts.manifest import Check, Outcome
from factory.reporting.junit import junit_xml
from factory.reporting.summary import failed_summary, summary_of
from tests.unit.reporting.example import checks, failing, manifest


def suite(found: tuple[Check, ...], failure: str = "") -> ElementTree.Element:
    root = ElementTree.fromstring(junit_xml("hapt", found, failure))  # noqa: S314
    assert root.tag == "testsuites"
    (only,) = root
    return only


def counts(of: ElementTree.Element) -> dict[str, int]:
    return {name: int(of.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


def test_each_gate_is_a_case_and_each_outcome_its_kind() -> None:
    found = failing()
    told = suite(found)
    number = {outcome: sum(check.outcome is outcome for check in found) for outcome in Outcome}
    assert number[Outcome.FAILED]
    expected = {
        "tests": len(found),
        "failures": number[Outcome.FAILED],
        "errors": 0,
        "skipped": number[Outcome.NOT_RUN],
    }
    assert counts(told) == expected
    assert len(told.findall("testcase/failure")) == number[Outcome.FAILED]
    assert len(told.findall("testcase/skipped")) == number[Outcome.NOT_RUN]
    broken = next(check for check in found if check.outcome is Outcome.FAILED)
    (case,) = (
        one
        for one in told.iter("testcase")
        if one.attrib["name"] == broken.gate and one.attrib["classname"] == f"hapt.{broken.target}.{broken.precision}"
    )
    (failure,) = case
    assert failure.tag == "failure"
    assert f"must be {broken.relation}" in failure.attrib["message"]
    assert broken.note in failure.attrib["message"]


def test_gates_that_held_are_no_failures() -> None:
    held = tuple(check for check in checks() if check.outcome is Outcome.PASSED)
    told = suite(held)
    assert counts(told) == {"tests": len(held), "failures": 0, "errors": 0, "skipped": 0}


def test_a_build_that_cannot_be_verified_is_an_error() -> None:
    told = suite((), "manifest.json was changed: build again")
    assert counts(told) == {"tests": 1, "failures": 0, "errors": 1, "skipped": 0}
    (error,) = told.findall("testcase/error")
    assert error.attrib["message"] == "manifest.json was changed: build again"


def test_a_note_with_any_character_stays_xml() -> None:
    odd = checks()[0].model_copy(update={"outcome": Outcome.FAILED, "note": 'a\x00\x1b[1m<"&\ud800>\nb'})
    (failure,) = suite((odd,)).iter("failure")
    assert failure.attrib["message"].endswith('a[1m<"&>\nb')


def test_the_summary_names_what_broke_and_shows_each_file() -> None:
    made = manifest()
    text = summary_of(made, made.verifications, failing())
    broken = [check for check in failing() if check.outcome is Outcome.FAILED]
    assert text.startswith(f"## hapt: {len(broken)} gate")
    assert text.count("\n| tflite ") == len(made.artifacts)
    assert "**broke**" in text
    for check in broken:
        assert f"`{check.gate}`" in text.partition("### Gates that broke")[2]
    good = summary_of(made, made.verifications, checks())
    assert "every gate that ran held" in good
    assert "broke" not in good


def test_a_failure_becomes_no_markup() -> None:
    assert "\\<b\\>" in failed_summary("x", "<b>")
