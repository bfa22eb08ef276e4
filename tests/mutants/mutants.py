"""The list. `old` stands once in `file`; `new` is the mistake; `tests` are those that must fail."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One wrong edit."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def apply(self, content: str) -> str:
        """The file with the edit."""
        assert content.count(self.old) == 1, f"{self.name}: {self.old!r} stands {content.count(self.old)} times"
        return content.replace(self.old, self.new)


_WIRING = ("tests/unit/pipeline/test_wiring.py",)

MUTANTS = (
    Mutant(
        name="teacher left out of the student's key",
        file="factory/pipeline/stages.py",
        old='        "teacher": _weights(run, "teacher"),\n',
        new="",
        tests=_WIRING,
    ),
    Mutant(
        name="golden pack of training people",
        file="factory/pipeline/stages.py",
        old="        test = run.split.test\n        logits",
        new="        test = run.split.train\n        logits",
        tests=_WIRING,
    ),
    Mutant(
        name="calibration on test people",
        file="factory/pipeline/stages.py",
        old="windows, train = run.windows, run.split.train",
        new="windows, train = run.windows, run.split.test",
        tests=_WIRING,
    ),
    Mutant(
        name="accuracy measured on training people",
        file="factory/pipeline/verification.py",
        old="test, windows = run.split.test, run.windows",
        new="test, windows = run.split.train, run.windows",
        tests=_WIRING,
    ),
)
