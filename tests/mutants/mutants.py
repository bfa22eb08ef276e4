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
_BUILDS = ("tests/unit/pipeline/test_build.py",)
_SEARCH = ("tests/unit/pipeline/test_search.py",)
_TUNE = ("tests/unit/pipeline/test_tune.py",)
_SSH = ("tests/unit/devices/test_ssh.py",)
_GATES = ("tests/unit/verification/test_gates.py", "tests/unit/verification/test_worth.py")
_AGREEMENT = ("tests/unit/verification/test_agreement.py",)
_DEVICES = ("tests/unit/verification/test_on_device.py",)
_TAMPERING = "tests/integration/test_tampering.py"
_LAYOUTS = ("tests/unit/data/test_table_layouts.py",)
_PUBLISHED = ("tests/unit/verification/test_published.py",)
_TEXT = ("tests/unit/data/intake/test_text.py", "tests/unit/data/intake/test_dialect.py")
_SEES_MORE = ("tests/unit/pipeline/test_teacher_sees_more.py",)
_ANSWERS = ("tests/unit/training/test_answers.py",)
_UNLABELLED = ("tests/unit/data/test_unlabelled.py",)

MUTANTS = (
    Mutant(
        name="teacher left out of the student's key",
        file="factory/pipeline/stages.py",
        old='        "teacher": _weights(run, "teacher"),\n',
        new="",
        tests=_WIRING,
    ),
    Mutant(
        name="people left out of a network's key",
        file="factory/pipeline/stages.py",
        old='        "people": people,\n',
        new="",
        tests=_WIRING,
    ),
    Mutant(
        name="tolerances left out of the key of verification",
        file="factory/pipeline/verification.py",
        old='        "tolerances": tolerances_of(artifacts),\n',
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
    Mutant(
        name="a search that selects on test people",
        file="factory/pipeline/layouts/trial.py",
        old="self.run.windows, self.run.split.validation",
        new="self.run.windows, self.run.split.test",
        tests=_SEARCH,
    ),
    Mutant(
        name="a search that trains what is over the bound",
        file="factory/pipeline/search.py",
        old="    return excess(search.prices.price(student), search.plan.bounds)\n",
        new="    return {}\n",
        tests=_SEARCH,
    ),
    Mutant(
        name="a search that goes on with other recordings",
        file="factory/pipeline/search.py",
        old='            "windows": windows.digest,\n',
        new="",
        tests=_SEARCH,
    ),
    Mutant(
        name="tuning that holds out test people, too",
        file="factory/pipeline/tune.py",
        old="    rows = np.concatenate([run.split.train, run.split.validation])\n",
        new="    rows = np.concatenate([run.split.train, run.split.validation, run.split.test])\n",
        tests=_TUNE,
    ),
    Mutant(
        name="tuning that believes the seed it chose by",
        file="factory/pipeline/tune.py",
        old="    if network and np.mean(after) <= np.mean(before):\n",
        new="    if False:\n",
        tests=_TUNE,
    ),
    Mutant(
        name="tuning that buys accuracy with instructions",
        file="factory/pipeline/tune.py",
        old="        if found is None or excess(self.prices.price(found.model.student), self.bounds):\n",
        new="        if found is None:\n",
        tests=_TUNE,
    ),
    Mutant(
        name="tuning that forgets a class when it deals people",
        file="factory/pipeline/tuning/scores.py",
        old="        if all(not missing for missing in _missing(windows, groups)):\n",
        new="        if True:\n",
        tests=_TUNE,
    ),
    Mutant(
        name="accuracy gate never judged",
        file="factory/pipeline/measure.py",
        old="    checks = judge_accuracy(target, precision, seen.accuracy, request.reference, place)\n",
        new="    checks: list[Check] = []\n",
        tests=_WIRING,
    ),
    Mutant(
        name="parity gate never judged",
        file="factory/pipeline/measure.py",
        old="    found.checks.extend(_of(artifact, checks))\n    found.checks.extend(_of(artifact, _split",
        new="    found.checks.extend(_of(artifact, _split",
        tests=_WIRING,
    ),
    Mutant(
        name="worth of the student never judged",
        file="factory/pipeline/verification.py",
        old="    checks += judge_worth(eager, baseline, machine(), overlap(spec))\n",
        new="",
        tests=_BUILDS,
    ),
    Mutant(
        name="a chance model is worth shipping",
        file="factory/verification/tolerances.py",
        old="USEFUL_SHARE = 0.2",
        new="USEFUL_SHARE = -1.0",
        tests=_GATES,
    ),
    Mutant(
        name="below the baseline without limit",
        file="factory/verification/worth.py",
        old="    limit = max(BASELINE_MARGIN_PP, 100 * noise)\n",
        new="    limit = 100.0\n",
        tests=_GATES,
    ),
    Mutant(
        name="flips that cost accuracy are free",
        file="factory/verification/gates.py",
        old="    limit = row.top1 if costs else 1 - HARD_DATA * (1 - row.top1)\n",
        new="    limit = 1 - HARD_DATA * (1 - row.top1)\n",
        tests=_AGREEMENT,
    ),
    Mutant(
        name="Android's kernel tolerance times ten",
        file="factory/pipeline/android.py",
        old='("tflite", Precision.INT8_STATIC): 16.0',
        new='("tflite", Precision.INT8_STATIC): 160.0',
        tests=_BUILDS,
    ),
    Mutant(
        name="a phone's broken model is packed",
        file="factory/pipeline/android.py",
        old="    if wanted and not broken:\n",
        new="    if wanted:\n",
        tests=_BUILDS,
    ),
    Mutant(
        name="a failed network does not stop the pack",
        file="factory/pipeline/android.py",
        old="in (*PHONE_TARGETS, *_NETWORK)]",
        new="in PHONE_TARGETS]",
        tests=_BUILDS,
    ),
    Mutant(
        name="another recipe's build is replaced",
        file="factory/pipeline/build.py",
        old="    _require_same_recipe(run)\n",
        new="",
        tests=_BUILDS,
    ),
    Mutant(
        name="the recorded split is not kept",
        file="factory/pipeline/request.py",
        old="        if kept is not None:\n",
        new="        if kept is not None and False:\n",
        tests=_BUILDS,
    ),
    Mutant(
        name="a cancelled build goes on",
        file="factory/pipeline/build.py",
        old="    run.request.cancel.raise_if_set()\n    return data",
        new="    return data",
        tests=_BUILDS,
    ),
    Mutant(
        name="a failing target stops the others",
        file="factory/pipeline/targets.py",
        old="    except Exception as error:\n",
        new="    except ZeroDivisionError as error:\n",
        tests=("tests/unit/pipeline/test_targets.py",),
    ),
    Mutant(
        name="ssh adds keys by itself",
        file="factory/devices/ssh.py",
        old="    hop.client.set_missing_host_key_policy(RejectPolicy())\n",
        new="    from paramiko import AutoAddPolicy\n\n    hop.client.set_missing_host_key_policy(AutoAddPolicy())\n",
        tests=_SSH,
    ),
    Mutant(
        name="near copies pass",
        file="factory/data/near_copies.py",
        old="LIKE = 0.975",
        new="LIKE = 2.0",
        tests=("tests/unit/data/test_near_copies.py",),
    ),
    Mutant(
        name="units of windows are not looked at",
        file="factory/data/live.py",
        old="    if guess.certain and guess.unit not in (None, declared.unit):\n",
        new="    if guess.certain and guess.unit in ():\n",
        tests=("tests/unit/data/test_live.py",),
    ),
    Mutant(
        name="a stage's key forgets code far down",
        file="factory/contracts/code.py",
        old="            waiting += _imports(name)\n",
        new="            pass\n",
        tests=("tests/unit/contracts/test_code.py",),
    ),
    Mutant(
        name="files inside a model are not compared",
        file="factory/pipeline/consistency.py",
        old="        *_inside(build),\n",
        new="",
        tests=(f"{_TAMPERING}::test_an_edit_with_hashes_made_anew_is_refused",),
    ),
    Mutant(
        name="contract.json is not compared",
        file="factory/pipeline/consistency.py",
        old="        *_contract(build),\n",
        new="",
        tests=(f"{_TAMPERING}::test_an_edit_with_hashes_made_anew_is_refused",),
    ),
    Mutant(
        name="a test person may train",
        file="factory/contracts/manifest.py",
        old="            if both := sorted(set(one) & set(other)):\n",
        new="            if both := []:\n",
        tests=(f"{_TAMPERING}::test_an_edit_with_hashes_made_anew_is_refused",),
    ),
    Mutant(
        name="an edited report passes",
        file="factory/pipeline/verify.py",
        old="    require_report(build.report, manifest)\n",
        new="",
        tests=(f"{_TAMPERING}::test_an_edited_report_is_refused",),
    ),
    Mutant(
        name="recordings: sensors joined by row, not by time",
        file="factory/data/sources/join.py",
        old='np.round(part.rows["time_s"] * _NS)',
        new="np.round(np.arange(len(part.rows)) / rate_hz * _NS)",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: rows sorted without being asked",
        file="factory/data/sources/tidy.py",
        old='        if cleaning.order != "time":\n            raise _falls(order, track.rows, where, sessions)\n',
        new="",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: equal stamps merged without being asked",
        file="factory/data/sources/tidy.py",
        old='    if cleaning.equal_stamps == "refuse":\n        raise _repeats(order, len(equal), where)\n',
        new="",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: dropped rows not counted",
        file="factory/data/sources/table.py",
        old="            self.cleaned[FAULTY] += int((~good).sum())\n",
        new="",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: rows of nobody become a person",
        file="factory/data/sources/table.py",
        old="            if places and not names[0]:\n",
        new="            if False:\n",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: rows of another length not counted",
        file="factory/data/intake/text.py",
        old="            if drop_faulty and not blank:\n                self.dropped += 1\n",
        new="",
        tests=_TEXT,
    ),
    Mutant(
        name="recordings: correction of a person's unit ignored",
        file="factory/data/sources/table.py",
        old="if subject in correction.subjects and channel.name in correction.channels:",
        new="if False:",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: null class taken for the last class",
        file="factory/data/windows.py",
        old="    return LabelPlan(names=names, of_source=np.array([*classes, NULL, UNLABELLED], np.int64))\n",
        new="    return LabelPlan(names=names, of_source=np.array([*classes, UNLABELLED], np.int64))\n",
        tests=("tests/unit/data/test_windows.py", "tests/unit/data/test_outside.py"),
    ),
    Mutant(
        name="recordings: person spelled twice stays two people",
        file="factory/data/refusals.py",
        old="*self.rates.mixed_units(), *self._spelled_twice())\n        return tuple(finding for",
        new="*self.rates.mixed_units())\n        return tuple(finding for",
        tests=("tests/unit/data/test_refusals.py",),
    ),
    Mutant(
        name="recordings: mixed units are cut",
        file="factory/data/preparation.py",
        old="        judge.require_usable(source.name)\n",
        new="        pass\n",
        tests=("tests/unit/data/test_refusals.py",),
    ),
    Mutant(
        name="recordings: lost packets not counted",
        file="factory/data/zeros.py",
        old="                    lost.rows += last - first\n",
        new="",
        tests=("tests/unit/data/test_zeros.py",),
    ),
    Mutant(
        name="recordings: messages name the row, not the line",
        file="factory/data/intake/text.py",
        old="            if place == row:\n",
        new="            if number == row + 1:\n",
        tests=_TEXT,
    ),
    Mutant(
        name="recordings: decimal comma read as a point",
        file="factory/data/intake/dialect.py",
        old='        decimal="," if split.decimal == "," else ".",\n',
        new="",
        tests=_TEXT,
    ),
    Mutant(
        name="recordings: what cleaning did is not reported",
        file="factory/data/preparation.py",
        old="    lost.update(cleaned(source))\n",
        new="",
        tests=_LAYOUTS,
    ),
    Mutant(
        name="recordings: windows of the label's beginning on the grid",
        file="factory/data/windows.py",
        old='if anchor == "label" else begins)',
        new='if anchor == "never" else begins)',
        tests=("tests/unit/data/test_windows.py",),
    ),
    Mutant(
        name="recordings: a person's unit is not compared with the others'",
        file="factory/data/guess/units.py",
        old="    order = sorted(groups.values(), key=lambda people: -len(people))\n    told = {",
        new="    order = [[who for people in groups.values() for who in people]]\n    told = {",
        tests=("tests/unit/data/guess/test_kinds.py",),
    ),
    Mutant(
        name="a device's windows may all differ from the host's",
        file="factory/verification/on_device.py",
        old='checks.append(check_of(gate, "device.equal", found.equal, ">=", row.equal,',
        new='checks.append(check_of(gate, "device.equal", found.equal, ">=", 0.0,',
        tests=_DEVICES,
    ),
    Mutant(
        name="accuracy on a device is not compared",
        file="factory/verification/on_device.py",
        old="        limit = max(row.drop_pp, worth)\n",
        new="        limit = 100.0\n",
        tests=_DEVICES,
    ),
    Mutant(
        name="a bound on instructions holds the dearest file",
        file="factory/verification/on_device.py",
        old="min(counted, key=lambda item: item[0])",
        new="max(counted, key=lambda item: item[0])",
        tests=_DEVICES,
    ),
    Mutant(
        name="an emulated core's time is written down",
        file="factory/contracts/manifest.py",
        old="        if self.emulated and any(",
        new="        if False and any(",
        tests=_DEVICES,
    ),
    Mutant(
        name="bounds on instructions are not judged",
        file="factory/pipeline/build.py",
        old="    return exports, with_cost(found, exports.artifacts, bounds)\n",
        new="    return exports, found\n",
        tests=("tests/unit/pipeline/test_devices.py",),
    ),
    Mutant(
        name="a core with a wrong matrix extension passes",
        file="factory/devices/arm64.py",
        old="    if found.sme or found.sve:\n",
        new="    if False:\n",
        tests=("tests/unit/devices/test_arm64.py",),
    ),
    Mutant(
        name="ONNX Runtime reports its use",
        file="factory/__init__.py",
        old='os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")',
        new='os.environ.setdefault("ORT_DISABLE_TELEMETRY", "0")',
        tests=("tests/unit/exporters/ort_mobile/test_ort_mobile.py",),
    ),
    Mutant(
        name="any wheel is taken",
        file="factory/devices/arm64_setup.py",
        old="        if pin.sha256 == digest:\n",
        new="        if pin.package:\n",
        tests=("tests/unit/devices/test_arm64.py",),
    ),
    Mutant(
        name="a teacher that is behind teaches all the same",
        file="factory/pipeline/stages.py",
        old="    if lead is not None and not lead.distils:\n",
        new="    if lead is not None and lead.pp < -100:\n",
        tests=_SEES_MORE,
    ),
    Mutant(
        name="each window gets the answer to the one before",
        file="factory/distill/answers.py",
        old="(known[rows] for known in self._known)",
        new="(known[rows - 1] for known in self._known)",
        tests=_ANSWERS,
    ),
    Mutant(
        name="answers in another order than windows",
        file="factory/training/student.py",
        old="rows = np.concatenate([known, split.unlabelled])",
        new="rows = np.concatenate([split.unlabelled, known])",
        tests=_ANSWERS,
    ),
    Mutant(
        name="labels of people without labels read after all",
        file="factory/training/student.py",
        old="np.full(count, UNLABELLED)",
        new="windows.y[split.unlabelled]",
        tests=_ANSWERS,
    ),
    Mutant(
        name="the teacher's constants in the student",
        file="factory/training/student.py",
        old="data = training_data(recipe, windows, training_indices(recipe, split))",
        new="data = training_data(recipe, windows.for_teacher(), training_indices(recipe, split))",
        tests=_ANSWERS,
    ),
    Mutant(
        name="the teacher's channels ahead of the student's",
        file="factory/data/preparation.py",
        old='update={"channels": own + more}',
        new='update={"channels": more + own}',
        tests=_UNLABELLED,
    ),
    Mutant(
        name="unlabelled windows of test people taught",
        file="factory/data/splits.py",
        old="unlabelled=np.flatnonzero(~away & ~(known & own))",
        new="unlabelled=np.flatnonzero(~(known & (own | away)))",
        tests=_UNLABELLED,
    ),
    Mutant(
        name="copies of test people looked for in labelled parts alone",
        file="factory/data/leakage.py",
        old="taught = np.concatenate([split.train, split.unlabelled])",
        new="taught = split.train",
        tests=_UNLABELLED,
    ),
    Mutant(
        name="a build better than the published one counts as worse",
        file="factory/verification/published.py",
        old="100 * (was - now)",
        new="100 * (now - was)",
        tests=_PUBLISHED,
    ),
    Mutant(
        name="a file that is published and not built is passed over",
        file="factory/verification/published.py",
        old='FILE, old, Outcome.FAILED, where, "the build lacks',
        new='FILE, old, Outcome.NOT_RUN, where, "the build lacks',
        tests=_PUBLISHED,
    ),
    Mutant(
        name="figures of other windows are compared",
        file="factory/verification/published.py",
        old="build.data.content_hash != published.data.content_hash",
        new="False",
        tests=_PUBLISHED,
    ),
    Mutant(
        name="a unit converted twice passes",
        file="factory/data/live.py",
        old="_SURELY_OFF = 2.0",
        new="_SURELY_OFF = 20.0",
        tests=("tests/unit/data/test_live.py",),
    ),
    Mutant(
        name="two publishers in an object store at once",
        file="factory/artifacts/remote.py",
        old='holder.encode(), mode="create")',
        new="holder.encode())",
        tests=("tests/unit/artifacts/test_remote.py",),
    ),
    Mutant(
        name="a broken gate is no failure in JUnit XML",
        file="factory/reporting/junit.py",
        old="    if check.outcome is Outcome.FAILED:\n        ElementTree",
        new="    if check.outcome is Outcome.NOT_RUN and check.note:\n        ElementTree",
        tests=("tests/unit/reporting/test_ci_reports.py",),
    ),
)
