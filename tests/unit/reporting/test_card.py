"""The model card says what the manifest says, and its front matter is YAML that a hub reads."""

import pytest

from factory.contracts.manifest import DeviceRun, HostDifference, OnDevice, SplitAgreement
from factory.reporting.card import model_card
from tests.unit.reporting.example import accuracy, manifest, parity, with_second_target


def counted(instructions: int = 1_234_567) -> DeviceRun:
    """An emulated core that counted what one file takes."""
    seen = OnDevice(
        subject="tflite/model_int8_static.tflite",
        runtime="LiteRT",
        parity=parity(-5, 0),
        difference=HostDifference(windows=256, max_abs=0, mean_abs=0, equal=1, flips=0),
        instructions=instructions,
    )
    return DeviceRun(device="arm64:cortex-a53", emulated=True, facts={}, artifacts=(seen,))


def card(**changes: object) -> str:
    return model_card(manifest().model_copy(update=changes), "1.2.0", "MIT: cite X", "mit", "X 2019")


def front_matter(text: str) -> list[str]:
    opening, _, rest = text.partition("\n")
    assert opening == "---"
    return rest[: rest.index("\n---\n")].splitlines()


def test_the_front_matter_names_licence_metrics_and_targets() -> None:
    lines = front_matter(card())
    best = accuracy(0.981)
    assert "license: mit" in lines
    assert "- tflite" in lines
    assert "      type: hapt" in lines
    assert f"      value: {best.macro_f1:.4f}" in lines


def test_terms_without_a_hub_identifier_are_named_other() -> None:
    lines = front_matter(model_card(manifest(), "1.0.0", "the user's own", "other", ""))
    assert lines[:2] == ["license: other", "license_name: terms-of-the-recordings"]


def test_every_class_the_worst_person_and_the_baseline_are_there() -> None:
    text, best = card(), accuracy(0.981)
    for label, value in best.per_class_f1.items():
        assert f"| {label} | {value:.4f} |" in text
    worst = best.worst_subject
    assert f"Worst person: {worst}, macro-F1 {best.per_subject_f1[worst]:.4f}" in text
    assert f"| baseline, gradient boosting | {accuracy(0.94, seed=11).macro_f1:.4f} |" in text
    assert "Terms: MIT: cite X." in text
    assert "# hapt 1.2.0" in text
    assert "| acc_x | accelerometer | m/s^2 | yes |" in text


def test_limits_name_obstacles_and_what_was_not_run() -> None:
    assert "- On a phone: needs filter median." in card(phone_obstacles=("needs filter median",))
    failing = with_second_target(manifest())
    assert "jetson/model_fp32batch8.onnx | fp32 batch8 |" in model_card(failing, "1.0.0", "MIT", "mit", "")


def test_robustness_is_over_people_mixed_windows_and_smaller_files() -> None:
    text, people = card(), sorted(accuracy(0.981).per_subject_f1.values())
    assert f"- Over {len(people)} people, macro-F1 is {people[0]:.4f} at worst" in text
    assert f"{people[-1]:.4f} at best and" in text
    assert "118 windows in which the activity changes" in text
    assert "118 windows" not in card(mixed=None)
    assert "- Not measured: a sensor worn turned" in text
    agreed = SplitAgreement(windows=1000, agreement=0.996, right_to_wrong=3, wrong_to_right=1, p_value=0.3)
    split = tuple(seen.model_copy(update={"split_agreement": agreed}) for seen in manifest().verifications)
    flips = "tflite fp16 0.40 %, tflite int8_dynamic 0.40 %, tflite int8_static 0.40 %."
    assert f"labels otherwise than the network: {flips}" in card(verifications=split)


def test_the_command_that_made_it_stands_there() -> None:
    text = model_card(manifest(), "1.0.0", "MIT", "mit", "", "factory build hapt --target tflite")
    assert text.endswith("```console\nfactory build hapt --target tflite\n```\n")
    assert "```console" not in card().partition("## Made by")[2]


def test_cost_is_told_for_each_device() -> None:
    assert "No other processor than the host above was asked." in card()
    assert "| tflite/model_int8_static.tflite | arm64:cortex-a53 (emulated) | 1234567 | - |" in card(
        devices=(counted(),)
    )


@pytest.mark.parametrize("name", ["<script>", "a|b", "[x](http://y)", "`rm`"])
def test_a_label_is_text_and_never_markup(name: str) -> None:
    labels = (name, "sitting")
    text = model_card(manifest(labels), "1.0.0", "MIT", "mit", "")
    assert f" {name} " not in text
