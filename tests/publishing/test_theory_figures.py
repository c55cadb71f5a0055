"""`loupe figures --theory`: the figures of a chapter on theory, with the numbers of the run's own network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from loupe.cli import main
from loupe.errors import LoupeError
from loupe.figures.network import draw_network
from loupe.inspection.calls import record_calls
from loupe.models import build_model
from loupe.publishing import write_figures
from loupe.publishing.inside_figures import choose_shown, open_subject
from loupe.publishing.network_figure import choose_place, name_true_class, trace_subject
from loupe.publishing.report_figure import Origin, ReportFigure
from loupe.publishing.theory_figures import TheoryFigures
from loupe.reports.inside import Subject
from loupe.running.recipe_data import load_validation_images
from loupe.runs import RunFolder

NAMES = [
    *("neuron", "relu-curve", "relu-matrix", "kernel", "stride", "padding", "max-pooling", "average-pooling"),
    *("flatten", "pipeline", "block-basic", "block-projection"),
]

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def subject(reported: RunFolder) -> Subject:
    validation = load_validation_images(reported)
    return open_subject(reported, validation, choose_shown(validation, 4))


@pytest.fixture(scope="module")
def drawn(reported: RunFolder, subject: Subject) -> dict[str, ReportFigure]:
    left_out: list[str] = []
    origin = Origin.of(reported, reported.require_result())
    figures = {one.name: one for one in TheoryFigures(subject, 4, origin, left_out).draw()}
    assert left_out == []
    return figures


def test_a_chapter_has_all_of_its_figures(drawn: dict[str, ReportFigure], reported: RunFolder) -> None:
    assert list(drawn) == [f"theory-{name}" for name in NAMES]
    for one in drawn.values():
        assert "validation image 4" in one.caption
        assert reported.path.name in one.caption
    assert "not trained" in drawn["theory-block-basic"].caption
    assert "not trained" not in drawn["theory-kernel"].caption


def read_numbers(figure: ReportFigure, place: int) -> list[float]:
    return [float(one.get_text()) for one in figure.figure.axes[place].texts]


def test_pooling_and_relu_say_what_torch_says(drawn: dict[str, ReportFigure]) -> None:
    for name, pool in (("max-pooling", F.max_pool2d), ("average-pooling", F.avg_pool2d)):
        whole, small, _ = drawn[f"theory-{name}"].figure.axes
        before = torch.tensor(np.asarray(whole.images[0].get_array()))
        after = np.asarray(small.images[0].get_array())
        np.testing.assert_allclose(after, pool(before[None], 2)[0].numpy(), atol=1e-6)
        assert read_numbers(drawn[f"theory-{name}"], 1) == pytest.approx(after.ravel(), abs=0.051)
    given, _, made = drawn["theory-relu-matrix"].figure.axes
    before, after = (np.asarray(one.images[0].get_array()) for one in (given, made))
    np.testing.assert_array_equal(after, np.maximum(before, 0))
    assert (before < 0).any()


def test_the_kernel_comes_to_the_networks_own_numbers(
    drawn: dict[str, ReportFigure], subject: Subject
) -> None:
    figure = drawn["theory-kernel"].figure
    call = next(one for one in record_calls(subject.model, subject.inputs[:1]) if one.name == "conv1")
    channel = int(figure.get_suptitle().split()[-1])
    for row in range(3):
        words = figure.axes[4 * row + 2].get_xlabel()
        place, _, arithmetic = words.partition(":")
        at = [int(part.split()[-1]) for part in place.split(",")]
        said = float(arithmetic.rpartition("=")[2])
        assert said == pytest.approx(float(call.output[0, channel, at[0], at[1]]), abs=0.006)


def test_a_network_without_convolutions_says_what_it_cannot_show(
    reported: RunFolder, subject: Subject
) -> None:
    channels, *size = subject.image_shape
    mlp = build_model("mlp", in_channels=channels, image_size=(size[0], size[1]), num_classes=10)
    left_out: list[str] = []
    origin = Origin.of(reported, reported.require_result())
    drawn = list(TheoryFigures(replace(subject, model=mlp.eval()), 4, origin, left_out).draw())
    assert [one.name for one in drawn] == [f"theory-{name}" for name in ("neuron", "relu-curve", *NAMES[-4:])]
    assert left_out == ["kernel, stride, padding, pooling: the network has no convolution"]


def test_what_a_convolution_has_no_bias_for_and_global_pooling(reported: RunFolder, subject: Subject) -> None:
    channels, *size = subject.image_shape
    torch.manual_seed(0)
    model = build_model(
        "six-block", in_channels=channels, image_size=(size[0], size[1]), num_classes=10
    ).eval()
    origin = Origin.of(reported, reported.require_result())
    drawn = {one.name: one for one in TheoryFigures(replace(subject, model=model), 4, origin, []).draw()}
    assert "it has no bias" in drawn["theory-kernel"].caption
    pooled = drawn["theory-global-pooling"]
    assert "the mean, of each of its 256 maps of 2 × 2" in pooled.caption
    pool = next(one for one in record_calls(model, subject.inputs[:1]) if one.name == "pool")
    written = [float(axes.texts[0].get_text()) for axes in pooled.figure.axes[1::2]]
    first = int(pooled.figure.axes[0].get_title().split()[-1])
    assert written == pytest.approx(pool.output[0, first : first + 3, 0, 0].tolist(), abs=0.006)
    flat = drawn["theory-flatten"]  # behind global pooling there are single numbers: nothing to lay in a row
    assert flat.figure.get_suptitle() == "flatten: 256 × 2 × 2"
    assert "had pool not made one number of each map" in flat.caption


def test_the_command_writes_them(reported: RunFolder, tmp_path: Path) -> None:
    words = ["figures", str(reported.path), "--theory", "--format", "svg", "--index", "4", "--style", "grey"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    captions = json.loads((tmp_path / "out" / "captions.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in captions] == [f"theory-{name}" for name in NAMES]
    assert all((tmp_path / "out" / file).is_file() for one in captions for file in one["files"])
    assert len(reported.read_openings()) == 1


def test_a_study_has_no_network(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "study.toml").write_text('question = "?"', encoding="utf-8")
    with pytest.raises(LoupeError, match="A study has no network of its own"):
        write_figures(tmp_path / "some", theory=True)


def test_a_recipe_is_drawn_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["show", "digits", "--draw", "network.svg"]) == 0
    assert "network: network.svg, drawn on the first training image" in capsys.readouterr().out
    text = Path("network.svg").read_text(encoding="utf-8")
    assert "<svg" in text
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path / "nothing"))
    assert main(["show", "six-block-cifar10", "--draw", "other.png"]) == 0
    assert "a black image: the data is not at hand" in capsys.readouterr().out
    assert main(["show", "digits", "--draw", "network.gif"]) == 1
    assert "allowed: a name that ends in .png, .pdf or .svg" in capsys.readouterr().err


def test_a_neuron_adds_up(drawn: dict[str, ReportFigure], subject: Subject) -> None:
    neuron = drawn["theory-neuron"]
    assert neuron.caption.startswith("A neuron of dense1, unit ")
    assert "each input times its weight, added up with the bias, then ReLU: max(0, x)" in neuron.caption
    unit = int(neuron.figure.get_suptitle().split()[-1])
    call = next(one for one in record_calls(subject.model, subject.inputs[:1]) if one.name == "dense1")
    check_sum(neuron, float(call.output[0, unit]))


def check_sum(neuron: ReportFigure, total: float) -> None:
    """Hold the numbers in a drawn neuron against its sum: products, the rest together, the bias."""
    texts = [one.get_text() for one in neuron.figure.axes[0].texts]
    places = [place for place, text in enumerate(texts) if text.startswith("× ")]
    assert len(places) == 5
    told = sum(float(texts[place - 2]) * float(texts[place][2:]) for place in places)
    told += sum(float(one.split()[-1]) for one in texts if one.startswith(("together ", "+ ")))
    start = next(place for place, text in enumerate(texts) if text.startswith("Σ w·x"))
    assert float(texts[start + 1]) == pytest.approx(total, abs=0.006)
    assert told == pytest.approx(total, abs=0.1 * abs(total) + 0.02)  # inputs and weights have two digits


def test_the_neuron_of_a_convolution(reported: RunFolder, subject: Subject) -> None:
    channels, *size = subject.image_shape
    torch.manual_seed(0)
    model = build_model(
        "six-block", in_channels=channels, image_size=(size[0], size[1]), num_classes=10
    ).eval()
    origin = Origin.of(reported, reported.require_result())
    neuron = next(TheoryFigures(replace(subject, model=model), 4, origin, []).draw())
    assert "it has no bias, then batch norm and ReLU: max(0, x)" in neuron.caption
    assert "Of its 25 inputs the 5 that count most are drawn" in neuron.caption
    channel, row, column = (int(part.split()[-1]) for part in neuron.figure.get_suptitle().split(",")[1:])
    call = next(one for one in record_calls(model, subject.inputs[:1]) if one.name == "conv1")
    check_sum(neuron, float(call.output[0, channel, row, column]))


def test_frames_stand_out_in_grey_too(drawn: dict[str, ReportFigure]) -> None:
    whole = drawn["theory-max-pooling"].figure.axes[0]
    frames = [one for one in whole.patches if not one.get_fill()]
    light = [one for one in frames if one.get_edgecolor()[:3] == (1, 1, 1)]
    assert len(light) == len(frames) / 2 == 9


def test_where_nobody_chose_an_image_the_answer_is_right(subject: Subject, reported: RunFolder) -> None:
    validation = load_validation_images(reported)
    several = open_subject(reported, validation, choose_shown(validation))
    place = choose_place(several)
    with torch.no_grad():
        answers = several.model(several.inputs).argmax(1)
    right = (answers == several.shown.labels).nonzero().flatten().tolist()
    assert place == right[0]


def test_a_wrong_answer_is_marked(subject: Subject) -> None:
    flow = trace_subject(subject)
    true = name_true_class(subject)
    plain = {one.get_text() for one in draw_network(flow, true_class=true).axes[0].texts}
    assert not any("(true)" in one for one in plain)
    with torch.no_grad():
        answer = int(subject.model(subject.inputs)[0].argmax())
    other = subject.shown.class_names[(answer + 1) % len(subject.shown.class_names)]
    marked = {one.get_text() for one in draw_network(flow, true_class=other).axes[0].texts}
    assert any("(true)" in one for one in marked) or other not in marked
