"""The mean corruption error: by hand, with what comes with the package, and with a classifier of the run."""

import json
from dataclasses import replace
from importlib import resources

import pytest
import torch

import loupe
from loupe.data import ImageDataset
from loupe.data.corruptions import CORRUPTIONS, SEVERITIES
from loupe.evaluations import Chart, LookedAt, Subject, Table, carry_out, choose_evaluation
from loupe.evaluations.corruption_error import (
    Reference,
    compare_errors,
    find_reference,
    fit_reference,
    is_whole,
    read_references,
)
from loupe.evaluations.damage import Damage
from tests.evaluations.test_contract import make_subject


def make_damage(wrong: dict[int, list[int]], plain_wrong: int, count: int = 100) -> Damage:
    """Answers to `count` images: so many wrong by corruption and severity, the first ones."""
    right = torch.ones(len(CORRUPTIONS), SEVERITIES, count, dtype=torch.bool)
    for corruption, counts in wrong.items():
        for severity, number in enumerate(counts):
            right[corruption, severity, :number] = False
    return Damage(torch.zeros(count, dtype=torch.int64), torch.arange(count) >= plain_wrong, right)


def make_reference(errors: dict[int, list[float]], plain: float) -> Reference:
    table = torch.zeros(len(CORRUPTIONS), SEVERITIES, dtype=torch.float64)
    for corruption, row in errors.items():
        table[corruption] = torch.tensor(row, dtype=torch.float64)
    return Reference("a reference", plain, table, "")


def test_errors_are_summed_over_severities_and_divided_by_the_references() -> None:
    # Corruption 0: 10 + … + 50 = 150 wrong of 500; the reference .2 + .4 + .4 + .5 + .5 = 2.0 of 5.
    # Corruption 1: 5 each, 25 of 500; the reference .1 each, 0.5 of 5. All others: it makes no mistake.
    damage = make_damage({0: [10, 20, 30, 40, 50], 1: [5] * 5}, plain_wrong=5)
    reference = make_reference({0: [0.2, 0.4, 0.4, 0.5, 0.5], 1: [0.1] * 5}, plain=0.095)
    found = compare_errors(damage, reference, 0.95)
    assert float(found.by_corruption[0]) == pytest.approx(1.5 / 2.0)
    assert float(found.by_corruption[1]) == pytest.approx(0.25 / 0.5)
    assert bool(found.by_corruption[2:].isnan().all())
    assert found.mean == pytest.approx((0.75 + 0.5) / 2)
    # relative: (0.30 - 0.05) / (0.40 - 0.095); corruption 1 costs the reference half a point: not defined
    assert float(found.relative[0]) == pytest.approx(0.25 / 0.305)
    assert bool(found.relative[1:].isnan().all())
    assert found.relative_mean is None, "one of eleven is no mean over corruptions"


def test_the_relative_mean_is_over_those_that_cost_the_reference_something() -> None:
    # Six corruptions of eleven: lost 0.20 by the network and 0.40 by the reference, 0.10 by the sixth.
    wrong = {one: [25] * 5 for one in range(6)}
    errors = {one: [0.5] * 5 for one in range(5)} | {5: [0.2] * 5} | {one: [0.1] * 5 for one in range(6, 11)}
    found = compare_errors(make_damage(wrong, plain_wrong=5), make_reference(errors, plain=0.1), 0.95)
    assert [round(one, 9) for one in found.relative[:6].tolist()] == [0.5] * 5 + [2.0]
    assert bool(found.relative[6:].isnan().all())
    assert found.relative_mean == pytest.approx((5 * 0.5 + 2.0) / 6)


def test_the_interval_is_that_of_a_mean_over_images() -> None:
    damage = make_damage({0: [50] * 5}, plain_wrong=0)
    found = compare_errors(damage, make_reference({0: [0.5] * 5}, plain=0.1), 0.95)
    assert found.mean == pytest.approx(1.0)
    assert found.interval is not None
    # images are 2 or 0 times the reference's error: their deviation is sqrt(100 / 99), t(99) is 1.98422
    assert found.interval.high - 1 == pytest.approx(1.98422 * (100 / 99) ** 0.5 / 10, rel=1e-4)


def test_a_network_is_exactly_as_bad_as_itself() -> None:
    damage = make_damage({one: [9, 12, 15, 20, 40] for one in range(len(CORRUPTIONS))}, plain_wrong=4)
    itself = Reference("itself", 0.04, 1 - damage.right.double().mean(2), "")
    found = compare_errors(damage, itself, 0.95)
    assert found.mean == pytest.approx(1.0)
    assert found.relative_mean == pytest.approx(1.0)


def test_without_mistakes_of_the_reference_nothing_is_defined() -> None:
    found = compare_errors(make_damage({0: [50] * 5}, plain_wrong=0), make_reference({}, plain=0.0), 0.95)
    assert (found.mean, found.interval, found.relative_mean) == (None, None, None)


def test_what_is_stored_is_whole_and_says_where_it_comes_from() -> None:
    stored = read_references()
    assert [one["name"] for one in stored["sets"]] == ["digits", "fashion-mnist", "cifar10"]
    assert stored["command"] == "`python tools/measure_reference.py`"
    assert {"network", "loupe", "numbers_version", "torch"} <= stored.keys()
    for one in stored["sets"]:
        assert is_whole(one["errors"])
        assert len(one["class_names"]) == 10
        assert one["seeds"]
        assert one["images"] >= 400
        errors = torch.tensor(list(one["errors"].values()))
        assert 0 < one["plain"] < float(errors.mean()) < 0.9
        assert float(errors[:, 4].mean()) > float(errors[:, 0].mean())
        assert f'name = "{one["name"]}"' in one["recipe"]


def test_the_file_is_the_packages_own() -> None:
    file = resources.files("loupe.evaluations").joinpath("reference_errors.json")
    assert json.loads(file.read_text(encoding="utf-8")) == read_references()


def test_a_reference_is_found_by_origin_shape_and_classes() -> None:
    digits = loupe.load_dataset("digits").train
    assert find_reference(digits) is not None
    assert find_reference(digits.keep_classes(["3", "5"])) is None
    assert find_reference(replace(digits, source="my digits")) is None
    assert find_reference(replace(digits, images=digits.pixels[:, :, 1:])) is None


def test_other_images_are_held_against_a_classifier_of_the_run() -> None:
    digits = loupe.load_dataset("digits").train
    mine = replace(digits, source="my folder")
    training, some = mine.take(slice(0, 600)), mine.take(slice(600, 800))
    reference = fit_reference(training, some, 0)
    assert reference.name == "logistic regression on pixels"
    assert 0 < reference.plain < 0.2
    assert float(reference.errors.mean()) > reference.plain
    assert "600 of 600 training images" in reference.note


@pytest.mark.parametrize("is_stored", [True, False])
def test_the_look_says_draws_and_tabulates_it(is_stored: bool, few_digits: ImageDataset) -> None:
    images = few_digits if is_stored else replace(few_digits, source="my folder")
    subject = make_subject(images)
    (look,) = carry_out([choose_evaluation("robustness:most=100")], subject).looks
    assert not look.failure
    name = "the reference network" if is_stored else "logistic regression on pixels"
    assert f"where {name} has 100 %" in look.sentence
    values = {one.name: one for one in look.values}
    assert values["mean corruption error"].interval is not None
    charts = [one for one in look.blocks if isinstance(one, Chart) and one.title == "Beside a reference"]
    assert [line.name for line in charts[0].lines] == ["this network", name]
    table = next(one for one in look.blocks if isinstance(one, Table) and "reference" in one.title)
    assert len(table.rows) == len(CORRUPTIONS) + 1
    assert table.rows[-1][3] == values["mean corruption error"].value
    error, theirs, ratio = (table.rows[0][place] for place in (1, 2, 3))
    assert isinstance(error, float)
    assert isinstance(theirs, float)
    assert ratio == pytest.approx(error / theirs)


def test_without_training_images_and_stored_errors_there_is_none(few_digits: ImageDataset) -> None:
    images = replace(few_digits, source="my folder")
    whole = make_subject(images)
    bare = Subject(
        "classification",
        images.class_names,
        (LookedAt("validation", whole.splits[0].answers, images),),
        network=whole.network,
    )
    (look,) = carry_out([choose_evaluation("robustness:most=100")], bare).looks
    assert not look.failure
    assert "corruption error" not in look.sentence
