"""Costs and shares: read, refused, and what a network's answers cost where the truth is known."""

import time
from pathlib import Path

import pytest
import torch

from loupe.errors import LoupeError
from loupe.evaluations import LookedAt, Subject, carry_out, choose_evaluation
from loupe.evaluations.finding import Table
from loupe.evaluations.look import Look
from loupe.evaluations.stakes import fill_shares, make_cost_matrix, read_costs, read_shares
from loupe.metrics import Predictions
from loupe.recipe.sections import Choice

CLASSES = ("cat", "dog")


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "costs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_table_of_costs_is_read(tmp_path: Path) -> None:
    costs = read_costs(write(tmp_path, "truth,cat,dog,unsure\ncat,0,5,0.5\ndog,,0,\n"))
    assert costs == {"cat": {"cat": 0, "dog": 5, "unsure": 0.5}, "dog": {"dog": 0}}
    matrix, answers = make_cost_matrix(costs, CLASSES)
    assert answers == ("cat", "dog", "unsure")
    assert matrix.tolist() == [[0, 5, 0.5], [1, 0, 1]]
    assert make_cost_matrix({}, CLASSES)[0].tolist() == [[0, 1], [1, 0]]


def test_a_table_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    plain = read_costs(write(tmp_path, "truth,cat,dog\ncat,0,5\n"))
    forms = ("truth;cat;dog\r\ncat;0;5\r\n", "sep=;\ntruth;cat;dog\ncat;0;5\n", "truth\tcat\tdog\ncat\t0\t5")
    for text in forms:
        assert read_costs(write(tmp_path, text)) == plain
    parts = read_costs(write(tmp_path, "truth;cat;dog\ncat;0;0,5\ndog;12,125;0\n"))
    assert parts == {"cat": {"cat": 0, "dog": 0.5}, "dog": {"cat": 12.125, "dog": 0}}
    with pytest.raises(LoupeError, match="1,000"):  # a thousand, or one?
        read_costs(write(tmp_path, 'truth,cat,dog\ncat,0,"1,000"\n'))
    for cell in ("1,000", "12,500"):
        with pytest.raises(LoupeError, match=f"'{cell}' may be thousands"):
            read_costs(write(tmp_path, f"truth\tcat\tdog\ncat\t0\t{cell}\n"))
    assert read_costs(write(tmp_path, "truth;cat;dog\ncat;0;0,125\n")) == {"cat": {"cat": 0.0, "dog": 0.125}}


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("truth,cat,dog\n", "1 rows"),
        ("truth,cat,dog\ncat,0\n", "line 2"),
        ("truth,cat,dog\ncat,0,many\n", "many"),
        ("truth,cat\ncat,0\ncat,1\n", "line 3"),
        ("truth,cat,dog,dog\ncat,0,1,2\n", "the first line names dog twice"),
        ("truth,cat, cat\ncat,0,1\n", "the first line names cat twice"),
    ],
)
def test_what_is_no_table_of_costs(tmp_path: Path, text: str, got: str) -> None:
    with pytest.raises(LoupeError, match="is no table of costs") as raised:
        read_costs(write(tmp_path, text))
    assert got in str(raised.value)


def test_names_that_are_no_class_are_refused() -> None:
    with pytest.raises(LoupeError, match="There is no true class 'cta'") as raised:
        make_cost_matrix({"cta": {"dog": 1.0}}, CLASSES)
    assert "cat" in str(raised.value)
    with pytest.raises(LoupeError, match="There is no answer 'bird'"):
        make_cost_matrix({"cat": {"bird": 1.0}}, CLASSES)
    with pytest.raises(LoupeError, match="is no number"):
        make_cost_matrix({"cat": {"dog": float("nan")}}, CLASSES)
    with pytest.raises(LoupeError, match="is no table of costs"):
        read_costs(Path("/nowhere/costs.csv"))


def test_a_full_table_of_many_classes_takes_a_moment() -> None:
    """Each name of each of 640,000 cells used to be looked for from the first class on."""
    names = [f"class {one}" for one in range(800)]
    costs = {
        truth: {answer: float(row * column) for column, answer in enumerate(names)}
        for row, truth in enumerate(names)
    }
    start = time.process_time()
    matrix, answers = make_cost_matrix(costs, names)
    assert time.process_time() - start < 2
    assert answers == tuple(names)
    assert torch.equal(matrix, torch.outer(torch.arange(800.0), torch.arange(800.0)).double())
    twice = make_cost_matrix({"cat": {"dog": 3.0}}, ("cat", "dog", "cat"))[0]
    assert twice.tolist() == [[0, 3, 1], [1, 0, 1], [1, 1, 0]], (
        "of a name that is there twice the first is meant"
    )


def test_shares_left_out_share_the_rest_as_before() -> None:
    names, before = ("a", "b", "c"), [0.5, 0.3, 0.2]
    assert fill_shares(read_shares("b=0.5"), names, before) == pytest.approx([0.5 * 5 / 7, 0.5, 0.5 * 2 / 7])
    assert fill_shares({"a": 0.2, "b": 0.2, "c": 0.6}, names, before) == pytest.approx([0.2, 0.2, 0.6])
    for wrong in ({"a": 0.7, "b": 0.4}, {"a": 0.2, "b": 0.2, "c": 0.2}):
        with pytest.raises(LoupeError, match="do not add up to 1"):
            fill_shares(wrong, names, before)
    with pytest.raises(LoupeError, match="cannot be read"):
        read_shares("a=many")


@pytest.mark.parametrize("text", ["b=0.5,a=nan", "a=1.2", "a=-0.1", "a=inf"])
def test_what_is_no_share_is_told_as_such(text: str) -> None:
    with pytest.raises(LoupeError, match="The share of a is no number from 0 to 1") as raised:
        fill_shares(read_shares(text), ("a", "b", "c"), [0.5, 0.3, 0.2])
    assert f"got: {text.rpartition(',')[2]}\n" in str(raised.value)


def test_a_class_with_two_shares_is_refused() -> None:
    with pytest.raises(LoupeError, match="Class a has two shares") as raised:
        read_shares("a=0.5, b=0.2, a =0.1")
    assert "got: a=0.5, b=0.2, a =0.1" in str(raised.value)
    for text in ("a=0.5,=0.1", "=0.1,=0.2", "a", ""):
        with pytest.raises(LoupeError, match="cannot be read"):
            read_shares(text)


def test_shares_are_refused_where_no_image_says_what_they_were() -> None:
    names, before = ("a", "b", "c"), [0.6, 0.4, 0.0]
    assert fill_shares({"a": 0.3}, names, before) == pytest.approx([0.3, 0.7, 0])
    assert fill_shares({"a": 0.3, "b": 0.7}, names, before) == pytest.approx([0.3, 0.7, 0])
    with pytest.raises(LoupeError) as raised:
        fill_shares({"c": 0.001}, names, before)
    assert str(raised.value) == (
        "How much more frequent a class became cannot be told without validation images of it.\n"
        "  got: no validation image of c\n"
        "  allowed: shares of classes that the run's validation images show\n"
        "  next: leave it out: what the network gives it then stays as it is"
    )
    with pytest.raises(LoupeError) as raised:
        fill_shares({"a": 0.3, "b": 0.5}, names, before)
    assert str(raised.value) == (
        "No validation image says how the classes left out share the rest.\n"
        "  got: a=0.3, b=0.5\n"
        "  allowed: shares that add up to 1 of the classes that the run's validation images show\n"
        "  next: give them 0.2 more"
    )


def draw_answers(num_images: int = 4000) -> Predictions:
    """Calibrated by construction: the truth is drawn with the probability that is said."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(num_images, 2, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).flatten()
    return Predictions(labels, logits)


def look_at(name: str, answers: Predictions, **settings: object) -> Look:
    subject = Subject("classification", CLASSES, (LookedAt("validation", answers),))
    (look,) = carry_out([choose_evaluation(Choice(name=name, **settings))], subject).looks
    assert not look.failure
    return look


def test_the_cheapest_answers_cost_what_was_foreseen_and_less_than_the_most_probable() -> None:
    answers = draw_answers()
    look = look_at("expected_cost", answers, costs={"dog": {"cat": 10.0}})
    assert look.name == "expected_cost", "a table of costs is no part of the name"
    plain, cheapest, saved, foreseen = look.values
    by_hand = torch.where(answers.probabilities[:, 1] > 1 / 11, 1, 0)
    wanted = ((by_hand == 0) & (answers.labels == 1)) * 10.0 + ((by_hand == 1) & (answers.labels == 0)) * 1.0
    assert cheapest.value == pytest.approx(float(wanted.mean()))
    assert plain.value is not None
    assert saved.value == pytest.approx(plain.value - float(wanted.mean()))
    assert saved.interval is not None
    assert saved.interval.low > 0
    assert cheapest.interval is not None
    assert foreseen.value is not None
    assert cheapest.interval.low < foreseen.value < cheapest.interval.high, "calibrated: as foreseen"
    same = look_at("expected_cost", answers)
    assert same.values[2].value == 0


@pytest.mark.thorough
def test_accuracy_elsewhere_is_what_images_from_there_have() -> None:
    """Thinning the cats to a tenth gives the shares that are stated; both ways lead to one accuracy."""
    answers = draw_answers(40_000)
    keep = (answers.labels == 1) | (torch.rand(40_000, generator=torch.Generator().manual_seed(1)) < 0.1)
    there = Predictions(answers.labels[keep], answers.logits[keep])
    cats = float((there.labels == 0).double().mean())
    look = look_at("prior_shift", answers, shares={"cat": cats})
    plain, heeded, gain = look.values
    assert plain.value == pytest.approx(float(there.is_right.double().mean()), abs=0.015)
    shares = torch.bincount(answers.labels).double() / len(answers.labels)
    odds = there.probabilities.double() * torch.tensor([cats, 1 - cats]) / shares
    assert heeded.value == pytest.approx(float((odds.argmax(1) == there.labels).double().mean()), abs=0.015)
    assert gain.interval is not None
    assert gain.interval.low > 0, "heeding the shares helps where they are far from those of training"
    estimated = look_at("prior_shift", there)
    assert "told without labels" in estimated.sentence


def test_a_class_without_validation_images_is_left_as_it_is() -> None:
    """Dividing by its share of nothing gave it every image."""
    generator = torch.Generator().manual_seed(0)
    names = tuple(map(str, range(20)))

    def draw() -> Predictions:
        labels = torch.randint(19, (1000,), generator=generator)
        seen = torch.randn(1000, 20, generator=generator)
        seen[torch.arange(1000), labels] += 3
        return Predictions(labels, 3 * seen)

    answers, validation = draw(), draw()
    subject = Subject("classification", names, (LookedAt("test", answers),), validation_answers=validation)
    (look,) = carry_out([choose_evaluation("prior_shift")], subject).looks
    plain, heeded = (one.value for one in look.values)
    assert plain is not None
    assert heeded == pytest.approx(plain, abs=0.02)
    (table,) = (one for one in look.blocks if isinstance(one, Table))
    assert table.rows[19][1:] == (0, None, None, None, 0)
    assert "no share is told of 19: what the network gives such a class stays as it is" in table.note
    chosen = choose_evaluation(Choice(name="prior_shift", shares={"0": 0.3}))
    (look,) = carry_out([chosen], subject).looks
    assert look.values[1].value == pytest.approx(look.values[0].value, abs=0.05)


def test_what_a_class_costs_that_has_no_mistake_is_not_certain() -> None:
    labels = torch.tensor([0] * 10 + [1] * 20)
    logits = torch.full((30, 2), -3.0)
    logits[torch.arange(30), labels] = 3.0
    look = look_at("expected_cost", Predictions(labels, logits))
    table = next(one for one in look.blocks if getattr(one, "title", "") == "Cost an image, by class")
    assert isinstance(table, Table)
    for row, most in zip(table.rows, (0.28, 0.16), strict=True):
        assert row[2:5] == (0, 0, 0)
        assert row[5] == pytest.approx(most, abs=0.01)
    saved = look.values[2].interval
    assert saved is not None
    assert saved.low < 0 < saved.high
    shared = look_at("prior_shift", Predictions(labels, logits), shares={"cat": 0.5})
    for value in shared.values:
        assert value.interval is not None
        assert value.interval.low < value.interval.high
