"""Checks as JUnit XML, which CI systems show: one test case a gate.

The format is that of Apache Ant's JUnit task, as https://github.com/testmoapp/junitxml describes it.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from factory.contracts.manifest import Check, Outcome


def junit_xml(name: str, checks: Sequence[Check], failure: str = "") -> bytes:
    """A test suite of a build's gates, UTF-8.

    Args:
        name: The build's.
        checks: Failed ones are failures, those not run are skipped.
        failure: Why there are no checks, such as a changed file; an error of its own.
    """
    suite = ElementTree.Element("testsuite", name=f"factory verify {name}")
    for check in checks:
        _case(suite, name, check)
    if failure:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="verify")
        ElementTree.SubElement(case, "error", message=_legal(failure))
    counts = {
        "tests": len(suite),
        "failures": sum(check.outcome is Outcome.FAILED for check in checks),
        "errors": int(bool(failure)),
        "skipped": sum(check.outcome is Outcome.NOT_RUN for check in checks),
    }
    suite.attrib.update({key: str(value) for key, value in counts.items()})
    suites = ElementTree.Element("testsuites", suite.attrib)
    suites.append(suite)
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def figure(check: Check) -> str:
    """What was measured against what is allowed; empty for a check without a figure."""
    if check.value is None or check.relation is None or check.limit is None:
        return ""
    return f"{check.value:.4g} {check.unit}, must be {check.relation} {check.limit:.4g}".replace(" ,", ",")


def _case(suite: ElementTree.Element, name: str, check: Check) -> None:
    whose = ".".join(filter(None, (name, check.target, check.precision, check.variant)))
    case = ElementTree.SubElement(suite, "testcase", classname=_legal(whose), name=check.gate)
    told = _legal("; ".join(filter(None, (figure(check), check.note))))
    if check.outcome is Outcome.FAILED:
        ElementTree.SubElement(case, "failure", message=told).text = _legal(check.where)
    elif check.outcome is Outcome.NOT_RUN:
        ElementTree.SubElement(case, "skipped", message=told)
    else:
        ElementTree.SubElement(case, "system-out").text = "; ".join(filter(None, (told, _legal(check.where))))


def _legal(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(sign for sign in text if sign in "\t\n" or (sign >= " " and not "\ud800" <= sign <= "\udfff"))
