"""What every registered evaluation promises, on a real trained network."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import loupe
from loupe.cli.evaluating import print_look
from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.evaluations import (
    EVALUATIONS,
    Column,
    ExampleRecord,
    Finding,
    LookedAt,
    Looks,
    Network,
    Subject,
    Table,
    Value,
    carry_out,
    choose_evaluation,
    choose_evaluations,
)
from loupe.evaluations.look import list_shown
from loupe.evaluations.registry import DEFAULT
from loupe.metrics import Predictions
from loupe.models.layer_table import describe_layers
from loupe.plugins import load_plugin
from loupe.reports.looks import render_looks
from tests.quick_runs import forget_plugins


def make_subject(images: ImageDataset, *, is_locked: bool = False) -> Subject:
    """A small network, untrained but seeded, over real digits."""
    torch.manual_seed(3)
    model = loupe.build_model("cnn", in_channels=1, image_size=(8, 8), num_classes=10, conv_layers=4, width=1)
    layers = describe_layers(model, in_channels=1, image_size=(8, 8))
    network = Network(model, Normalization((0.3,), (0.3,)), layers, torch.device("cpu"), batch_size=64)
    answers = network.predict(images)
    second = loupe.build_model("mlp", in_channels=1, image_size=(8, 8), num_classes=10)
    its_layers = describe_layers(second, in_channels=1, image_size=(8, 8))
    against = Network(second, Normalization((0.3,), (0.3,)), its_layers, torch.device("cpu"), batch_size=64)
    followed = ExampleRecord(torch.arange(50), torch.rand(3, 50), torch.rand(3, 50) > 0.5)
    splits = [LookedAt("validation", answers, images)]
    if is_locked:
        splits.append(LookedAt("test", answers, images, is_locked=True))
    return Subject(
        "classification",
        images.class_names,
        tuple(splits),
        network=network,
        load_training=lambda: images,
        examples=followed,
        validation_answers=answers,
        against=Predictions(answers.labels, answers.logits.roll(1, 1)),
        against_network=against,
        names=("first", "second"),
        members=(
            Predictions(answers.labels, 2 * answers.logits),
            Predictions(answers.labels, -answers.logits),
        ),
    )


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("robustness:most=100", 100),
        ("adversarial:most=60", 60),
        ("baselines:most=120", 120),
        ("feature_map:most=100", 100),
        ("layer_similarity:most=250", 200),
        ("shift_consistency", 1000),
        ("mirror_consistency", 1000),
        ("confusion", 1200),
    ],
)
def test_what_looks_at_a_part_of_the_images_says_at_how_many(
    name: str, count: int, few_digits: ImageDataset
) -> None:
    many = few_digits.select(torch.arange(1200) % len(few_digits))
    (look,) = carry_out([choose_evaluation(name)], make_subject(many)).looks
    assert not look.failure
    assert look.num_images == count


@pytest.mark.parametrize("name", EVALUATIONS.names())
def test_what_it_finds_is_kept_and_drawn_without_the_network(name: str, few_digits: ImageDataset) -> None:
    subject = make_subject(few_digits, is_locked=True)
    assert subject.network is not None
    weights = {key: one.clone() for key, one in subject.network.model.state_dict().items()}
    generator = torch.get_rng_state()
    found = carry_out([choose_evaluation(name)], subject)
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(one, weights[key]) for key, one in subject.network.model.state_dict().items())
    assert found.looks
    for look in found.looks:
        assert not look.failure
        assert look.sentence.endswith(".")
        assert look.blocks or look.values
        for value in look.values:
            if value.interval is not None and value.value is not None:
                assert value.interval.low <= value.value <= value.interval.high
    written = json.loads(json.dumps(found.to_dict()))
    again = Looks.from_parts(written, found.to_arrays())
    assert again.looks == found.looks
    page = render_looks(again, {"validation": few_digits}, few_digits.class_names)
    for look in again.looks:
        assert f"<h3>{look.heading}</h3>" in page.html


TIMED = {"cost"}
"""Evaluations that measure time, which is never the same."""


@pytest.mark.parametrize("name", [name for name in EVALUATIONS.names() if name not in TIMED])
def test_it_finds_the_same_twice_and_never_shows_what_is_locked(name: str, few_digits: ImageDataset) -> None:
    first, second = (carry_out([choose_evaluation(name)], make_subject(few_digits)) for _ in range(2))
    assert [(one.sentence, one.values, one.blocks) for one in first.looks] == [
        (one.sentence, one.values, one.blocks) for one in second.looks
    ]
    locked = carry_out([choose_evaluation(name)], make_subject(few_digits, is_locked=True))
    for look in locked.looks:
        if look.split == "test":
            assert not list_shown(look.blocks)
            assert not any(getattr(block, "cells", ()) for block in look.blocks)


def test_defaults_come_in_order_and_without_what_needs_a_second_network() -> None:
    chosen = choose_evaluations(None, "classification")
    assert [one.order for one in chosen] == sorted(one.order for one in chosen)
    names = [one.name for one in chosen]
    assert "two_networks" not in names
    assert "test_time_augmentation" not in names
    with_more = choose_evaluations([DEFAULT, "test_time_augmentation"], "classification")
    assert {one.name for one in with_more} == {*names, "test_time_augmentation"}


def test_intervals_of_numbers_are_written_with_one_unit() -> None:
    from loupe.evaluations import Value
    from loupe.statistics import Interval

    assert Value("a", 0.984, "percent", Interval(0.98, 0.99)).write() == "98.40 % (98.00 to 99.00 %)"
    assert (
        Value("d", -0.01, "points", Interval(-0.02, 0.005)).write() == "-1.00 points (-2.00 to +0.50 points)"
    )
    assert Value("n", 1234.0, "count").write() == "1,234"
    assert Value("s", 0.0123, "seconds").write() == "0.0123 seconds"
    assert Value("none", None, "percent").write() == "not defined"


@pytest.mark.thorough
def test_words_of_a_user_are_escaped_wherever_they_stand(few_digits: ImageDataset) -> None:
    from dataclasses import replace

    names = ("<b>nil</b>", *few_digits.class_names[1:])
    images = ImageDataset(few_digits.images, few_digits.labels, names, "hostile")
    subject = replace(make_subject(few_digits), class_names=names, load_training=lambda: images)
    found = carry_out([choose_evaluation(name) for name in EVALUATIONS], subject)
    page = render_looks(found, {"validation": images}, names).html
    assert "&lt;b&gt;nil" in page
    assert "<b>nil</b>" not in page


def test_a_table_with_an_uneven_row_is_a_failure_of_its_evaluation_alone(
    few_digits: ImageDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    def uneven() -> Finding:
        return Finding("It is.", blocks=[Table("Rows", (Column("a"),), (("x",), ("y", 2)))])

    chosen = choose_evaluation("class_accuracy")
    found = carry_out(
        [replace(chosen, name="uneven", function=uneven, settings={}), chosen], make_subject(few_digits)
    )
    failed, other = found.looks
    assert failed.failure == "Row 2 of the table 'Rows' has 2 values for 1 column."
    assert not other.failure
    assert other.blocks
    for look in found.looks:
        print_look(look)
    assert f"not to be had: {failed.failure}" in capsys.readouterr().out


def test_a_users_own_evaluation_that_fails_names_its_line(few_digits: ImageDataset, tmp_path: Path) -> None:
    place = tmp_path / "own.py"
    text = """
from loupe import register_evaluation
from loupe.evaluations import Column, Finding, Table

@register_evaluation("own_failing")
def fails(answers):
    "Fails."
    return {}["nothing"]

@register_evaluation("own_uneven")
def uneven(answers):
    "Uneven."
    return Finding("So.", blocks=[Table("Rows", (Column("a"),), (("x", 1),))])
"""
    place.write_text(text)
    load_plugin(str(place))
    said: list[str] = []
    chosen = [choose_evaluation("own_failing"), choose_evaluation("own_uneven")]
    fails, uneven = carry_out(chosen, make_subject(few_digits), said.append).looks
    assert fails.failure == f"KeyError: 'nothing' ({place}, line 8)"
    assert uneven.failure == f"Row 1 of the table 'Rows' has 2 values for 1 column. ({place}, line 13)"
    assert all(one.failure in line for one, line in zip((fails, uneven), said, strict=True))
    forget_plugins()


def test_what_is_not_a_number_is_written_alike_in_terminal_and_report() -> None:
    nan = float("nan")
    columns = (Column("a", "percent"), Column("b", "points"), Column("c", ""))
    for column in columns:
        assert column.write(nan) == column.write(None) == "undefined"
    assert Value("x", nan).write() == Value("x", None).write() == "not defined"
