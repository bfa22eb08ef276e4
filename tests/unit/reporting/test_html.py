import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest

from factory.contracts.artifact import Precision
from factory.contracts.errors import ArtifactError
from factory.contracts.manifest import Manifest, Outcome
from factory.contracts.network import Lead
from factory.reporting.html import render, write_report
from tests.unit.reporting import example

SECTIONS = {"verdict", "results", "contract", "phone", "accuracy", "confusion", "parity", "training", "data"}
SECTIONS |= {"checks", "provenance", "reproduce"}
VOID = {"meta", "input", "br", "wbr", "path", "use", "rect"}


class Outline(HTMLParser):
    """Identifiers, text and balance of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    parser.close()
    return parser


@pytest.fixture
def build(tmp_path: Path) -> Path:
    example.write_epochs(tmp_path)
    return tmp_path


def changed(**fields: object) -> Manifest:
    return example.manifest().model_copy(update=fields)


def test_report_has_every_section_balanced_tags_and_unique_identifiers(build: Path) -> None:
    found = outline(render(build, example.manifest()))
    assert set(found.ids) >= SECTIONS
    assert not found.open
    assert len(found.ids) == len(set(found.ids))


def test_same_manifest_gives_same_bytes(build: Path) -> None:
    write_report(build, example.manifest(), build / "one.html")
    write_report(build, example.manifest(), build / "two.html")
    assert (build / "one.html").read_bytes() == (build / "two.html").read_bytes()


def test_report_is_self_contained_and_small(build: Path) -> None:
    page = render(build, example.manifest(tuple(f"activity_{number}" for number in range(19))))
    assert len(page.encode()) < 1_500_000
    assert not re.search(r"https?:|@import|<script|<link|<img|<iframe|\ssrc=", page)
    assert all(target.startswith("#") for target in re.findall(r"(?:href=\"|url\()([^\")]*)", page))


def test_pictures_have_a_spoken_title_and_tables_have_scoped_headers(build: Path) -> None:
    found = outline(render(build, example.manifest()))
    pictures = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert len(pictures) == 10
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in pictures)
    assert all("scope" in attributes for tag, attributes in found.tags if tag == "th")


def test_user_text_is_escaped_wherever_it_stands(build: Path) -> None:
    hostile = '<script>alert("1")</script>'
    labels = (hostile, r"$\frac{", "a&b", "走る", "'quoted'", "under_score")
    manifest = example.manifest(labels)
    check = example.failing()[0].model_copy(update={"note": hostile + "\x07", "where": hostile})
    hostile_manifest = manifest.model_copy(update={"name": hostile, "checks": (check,), "phone_obstacles": (hostile,)})
    page = render(build, hostile_manifest)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10
    assert not outline(page).open


def test_every_measured_figure_is_shown(build: Path) -> None:
    page = render(build, example.manifest())
    for expected in ("185.3 kB", "98.1 %", "0.977", "98.8 %", "2.51 × 10⁻⁶", "27.6 µs", "42,310", "661,248", "28.7 kB"):
        assert expected in page, expected
    for name in ("0.958", "✓ kept", "6,021", "ab" * 32, "eager", "folded", "ONNX Runtime 1.31.1", "git checkout"):
        assert name in page, name


def test_failed_gates_come_first_with_value_limit_and_remedy(build: Path) -> None:
    checks = example.checks() + example.failing()
    page = render(build, changed(checks=checks))
    banner = page[page.index('id="verdict"') : page.index("<nav")]
    assert 'class="banner failed"' in banner
    assert f"1 of {len(checks)} gates failed" in banner
    assert "got 1.42 pp, limit ≤ 0.3 pp" in banner
    assert "calibrate with more windows" in banner
    assert banner.index("accuracy.drop_pp") < banner.index("crosscheck.max_abs")
    table = page[page.index('id="checks"') :]
    assert table.index("✗ failed") < table.index("✓ passed") < table.index("– not run")


def test_several_targets_stand_apart_and_one_that_failed_is_named(build: Path) -> None:
    page = render(build, example.with_second_target(example.manifest()))
    assert not outline(page).open
    for name in ("tflite int8_static", "jetson int8_static", "jetson fp32 batch8", "model_fp32batch8.onnx.record.json"):
        assert name in page
    assert "tflite int8_static, the artifact to ship" in page
    assert "jetson int8_static, the artifact to ship" in page
    banner = page[page.index('id="verdict"') : page.index("<nav")]
    assert re.search(r"<b>export</b>\s*<span class=\"soft\">executorch</span>", banner)
    assert "XNNPACK takes 3 parts" in banner
    rows = dict(re.findall(r"<small>(\S+)</small>.*?class=\"outcome (\w+)\"", page, re.DOTALL))
    assert rows["jetson/model_fp32batch8.onnx"] == "failed"
    assert rows["jetson/model_fp32.onnx"] == "passed", "a variant's gate is not its neighbour's"


def test_a_gate_that_did_not_run_is_named_and_never_counted_as_passed(build: Path) -> None:
    skipped = tuple(check for check in example.failing() if check.outcome is Outcome.NOT_RUN)
    page = render(build, changed(checks=example.checks() + skipped))
    assert "All gates passed" not in page
    assert "All 8 gates that ran passed" in page
    assert "factory doctor --install crosscheck" in page
    assert "No gate was checked" in render(build, changed(checks=skipped))
    assert 'class="banner unverified"' in render(build, changed(checks=()))


def test_a_phone_obstacle_stands_in_a_red_box(build: Path) -> None:
    obstacles = tuple(f"channel body_acc_{number} is derived from others" for number in range(12))
    page = render(build, changed(phone_obstacles=obstacles))
    assert "A phone cannot feed this model" in page
    assert all(obstacle in page for obstacle in obstacles)
    assert "4 more" in page
    assert "A phone cannot feed this model" not in render(build, example.manifest())


def test_missing_parts_read_as_not_available(tmp_path: Path) -> None:
    bare = tuple(
        found.model_copy(update={"accuracy": None, "latency": None}) for found in example.manifest().verifications
    )
    for manifest in (
        changed(verifications=bare),
        changed(verifications=(), conversion=(), checks=()),
        changed(artifacts=(), verifications=(), files=()),
    ):
        page = render(tmp_path, manifest)
        assert page.count("not available") > 5
        assert not outline(page).open
        assert not re.search(r"<(?:div|figure) class=\"card[^>]*>\s*(?:<(?:h3|figcaption)>[^<]*</\w+>\s*)?</", page), (
            "empty"
        )
        assert not re.search(r"<tbody[^>]*>\s*</tbody>", page)
    assert "<svg" in render(tmp_path, changed(verifications=bare)), "parity needs neither accuracy nor latency"


def test_the_headline_shows_the_student_beside_what_it_is_compared_with(build: Path) -> None:
    page = render(build, example.manifest())
    top = page[: page.index("<nav")]
    for name in ("Teacher", "Cross-entropy control", "Baseline", "Majority class", "Chance"):
        assert f'<th scope="row">{name}' in top
    assert "not measured: factory benchmark trains it" in top
    assert "0.960 – 0.987 over people (95 %)" in top
    assert 'class="banner passed"' in top


def test_the_lead_stands_beside_the_training(build: Path) -> None:
    training = example.manifest().training
    lead = Lead(teacher=0.912, control=0.875, people=4, windows=90, epochs=20, seconds=1.0)
    page = render(build, changed(training=training.model_copy(update={"lead": lead})))
    assert "own cross-entropy by 3.7 pp (macro-F1 of 4 validation people)" in page
    assert "0.912 against 0.875, each after 20 epochs" in page
    assert "against 0.875" not in render(build, changed(training=training.model_copy(update={"lead": None})))


def test_a_poor_student_is_never_green_and_the_reasons_stand_in_the_banner(build: Path) -> None:
    page = render(build, example.with_student(example.manifest(), example.poor()))
    banner = page[page.index('id="verdict"') : page.index("</section>")]
    assert 'class="banner doubtful"' in banner
    for words in ("All gates passed, but 3 findings", "walking_upstairs (0 of 490", "gradient boosting", "its teacher"):
        assert words in banner
    assert "never recognised" in page[page.index('id="classes"') :]


def test_balance_mixed_windows_and_losses_stand_in_the_data_section(build: Path) -> None:
    page = render(build, example.manifest())
    section = page[page.index('id="data"') : page.index('id="checks"')]
    for words in ("1,021", "412 windows of mixed labels", "118 windows", "71.3 %", "96.2 %", "98.1 % and 0.980"):
        assert words in section, words
    bare = example.manifest().model_copy(update={"mixed": None})
    bare = bare.model_copy(update={"data": bare.data.model_copy(update={"classes": {}, "lost": {}})})
    section = render(build, bare)
    assert 'id="mixed"' not in section
    assert "Class balance: not available" in section


def test_calibration_is_drawn_or_given_as_a_figure(build: Path) -> None:
    assert "expected calibration error 0.021" in render(build, example.manifest())
    made = example.with_student(example.manifest(), example.accuracy(0.978).model_copy(update={"reliability": ()}))
    page = render(build, made)
    assert "Reliability diagram: not available" in page
    assert "Expected calibration error of int8_static: 0.021" in page


def test_wrong_windows_are_drawn_with_truth_answer_and_confidence(build: Path) -> None:
    assert "the build folder holds no golden.npz" in render(build, example.manifest())
    example.write_golden_pack(build, example.contract(), ())
    assert "No window of the golden pack is answered wrongly" in render(build, example.manifest())
    example.write_golden_pack(build, example.contract(), ((3, 4),))
    page = render(build, example.manifest())
    assert re.search(r"True sitting, answered standing, confidence 0\.\d\d", page)
    assert 'aria-label="A window of sitting that was answered standing"' in page
    assert "m/s²" in page[page.index('id="windows"') : page.index('id="parity"')]
    assert not outline(page).open


def test_checks_are_filtered_by_outcome_and_target_on_a_screen_only(build: Path) -> None:
    made = example.with_second_target(example.manifest())
    page = render(build, made)
    assert len(re.findall(r'type="radio" name="outcome"', page)) == 3
    assert len(re.findall(r'type="radio" name="target"', page)) == 4
    rules = page[page.index("#checks:has") :]
    assert page.count("@media screen") == 1
    assert page.index("@media screen") < page.index("#checks:has")
    assert "#checks:has" not in rules[rules.index("\n}") :]
    assert page.count('class="is-failed of-2"') == 1, "the refused export"


def test_a_corrupt_history_is_refused_and_leaves_the_old_report(build: Path) -> None:
    out = build / "report.html"
    out.write_text("old")
    with (build / "student" / "epochs.jsonl").open("a") as handle:
        handle.write('{"epoch": 41, "pha')
    with pytest.raises(ArtifactError, match="line 41"):
        write_report(build, example.manifest(), out)
    assert out.read_text() == "old"
    assert {path.name for path in build.iterdir()} == {"report.html", "teacher", "student"}


def test_a_confusion_matrix_that_does_not_fit_the_labels_is_refused(build: Path) -> None:
    found = example.verification(Precision.FP32)
    assert found.accuracy is not None
    short = found.accuracy.model_copy(update={"confusion": found.accuracy.confusion[:-1]})
    with pytest.raises(ArtifactError, match=r"confusion matrix of tflite/model_fp32\.tflite is not 6 x 6"):
        render(build, changed(verifications=(found.model_copy(update={"accuracy": short}),)))


def test_a_histogram_with_too_few_edges_is_refused(build: Path) -> None:
    found = example.verification(Precision.FP32)
    parity = found.parity.model_copy(update={"histogram_edges": found.parity.histogram_edges[:-1]})
    with pytest.raises(ArtifactError, match="40 edges for 40 counts"):
        render(build, changed(verifications=(found.model_copy(update={"parity": parity}),)))


def test_a_class_absent_from_the_test_split_is_named(build: Path) -> None:
    found = example.verification(Precision.FP32)
    assert found.accuracy is not None
    scores = {label: value for label, value in found.accuracy.per_class_f1.items() if label != "laying"}
    less = found.accuracy.model_copy(update={"per_class_f1": scores})
    page = render(build, changed(verifications=(found.model_copy(update={"accuracy": less}),)))
    assert "without a figure: laying." in page


def test_a_history_with_a_judgement_each_epoch_becomes_curves(build: Path) -> None:
    path = build / "teacher" / "epochs.jsonl"
    rows = [
        f'{{"epoch": {epoch}, "phase": "search", "loss": 1.0, "train_accuracy": 0.9, '
        f'"validation_macro_f1": {{"linear": 0.9, "mlp": 0.8}}}}'
        for epoch in (1, 2, 3)
    ]
    path.write_text("\n".join(rows))
    assert "validation macro-F1 of linear, mlp by epoch" in render(build, example.manifest())


def test_drawing_leaves_the_global_plot_settings_alone(build: Path) -> None:
    before = dict(mpl.rcParams)
    render(build, example.manifest())
    assert dict(mpl.rcParams) == before
