"""What a dry run says of a study: what its seeds can find, and which arms change several things at once."""

import csv
from pathlib import Path

import pytest

from loupe.studies import list_studies, parse_study
from loupe.studies.confounds import find_confounds
from loupe.studies.copies import find_planned_copies
from loupe.studies.detectable import describe_power
from loupe.studies.folder import StudyFolder
from loupe.studies.loading import load_study
from tests.studies.arms import make_rows, make_study


def test_an_arm_that_changes_two_things_is_named_and_one_that_changes_one_is_not() -> None:
    arms = {
        "plain": {},
        "slow": {"train": {"optimizer": {"learning_rate": 0.0001}}},
        "slow and long": {"train": {"optimizer": {"learning_rate": 0.0001}, "epochs": 50}},
        "another optimizer": {"train": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0}}},
    }
    (found,) = find_confounds(make_study(arms=arms), "plain")
    assert found.arm == "slow and long"
    assert set(found.changed) == {"train.optimizer.learning_rate", "train.epochs"}
    assert found.closer == ("slow",)
    assert "in 2 things" in found.sentence
    assert find_confounds(make_study(arms=arms), "no arm") == []


def test_a_table_that_one_arm_has_alone_is_one_thing_and_two_changes_inside_it_are_two() -> None:
    later = {"train": {"freeze_later": {"layers": ["conv1"], "after_epoch": 2}}}
    earlier = {"train": {"freeze_later": {"layers": ["conv2"], "after_epoch": 1}}}
    arms = {"plain": {}, "later": later, "earlier": earlier}
    assert find_confounds(make_study(arms=arms), "plain") == []
    (found,) = [one for one in find_confounds(make_study(arms=arms), "later") if one.arm == "earlier"]
    assert set(found.changed) == {"train.freeze_later.layers", "train.freeze_later.after_epoch"}


def test_borrowed_weights_and_frozen_layers_are_two_things() -> None:
    (frozen,) = find_confounds(load_study("fashion-transfer"), "random")
    assert (frozen.arm, frozen.changed) == ("frozen", ("transfer.run", "transfer.freeze"))
    assert frozen.closer == ("fine-tuned",)


def test_the_packaged_ablation_changes_one_thing_at_a_time_or_says_so() -> None:
    found = find_confounds(load_study("recipe-ablation"), "whole recipe")
    assert [one.arm for one in found] == ["a constant rate of its own"]
    assert set(found[0].closer) == {"without one-cycle", "one-cycle at that rate"}


def test_a_dry_run_says_what_the_seeds_can_find() -> None:
    one = describe_power(make_study(arms={"a": {}, "b": {}}, seeds=[0]))
    assert one.startswith("One seed an arm shows no difference")
    assert describe_power(make_study(arms={"a": {}})) == ""
    three = describe_power(make_study(arms={"a": {}, "b": {}}, reference="a"))
    assert three.startswith("3 seeds an arm find a difference of 3.6 standard deviations between seeds")
    assert "points where runs vary by half a point" in three
    rows = [*make_rows("a", [0.90, 0.91, 0.92]), *make_rows("b", [0.90, 0.91, 0.92])]
    known = describe_power(make_study(arms={"a": {}, "b": {}}, reference="a"), rows)
    assert known.endswith("3.61 points, as the runs vary that are done (1.00 points).")
    rows = [*make_rows("a", [0.1, 0.5, 0.9]), *make_rows("b", [0.1, 0.5, 0.9])]
    wide = describe_power(make_study(arms={"a": {}, "b": {}}, reference="a"), rows)
    assert wide.endswith("two values of test accuracy can be, as the runs vary that are done (40.00 points).")


def test_arms_that_would_be_the_same_runs_are_no_comparison() -> None:
    arms: dict[str, dict[str, object]] = {"a": {}, "b": {"train": {"epochs": 3}}, "c": {}, "d": {}}
    study = make_study(arms=arms, reference="c")
    runs = [((arm, ()), seed, f"{changes} {seed}") for arm, changes in arms.items() for seed in (0, 1, 2)]
    (found,) = find_planned_copies(runs, "c")
    assert found.sentence == "c, a and d are the same runs, whatever they change."
    assert find_planned_copies(runs[:-1], "c")[0].arms == ("c", "a")  # d lacks a seed
    power = describe_power(study, num_copies=2)
    assert power == describe_power(make_study(arms={"a": {}, "b": {}}, reference="a"))


@pytest.mark.parametrize("name", list_studies())
def test_every_packaged_study_can_say_it(name: str) -> None:
    study = load_study(name)
    assert all(one.arm in study.arms for one in find_confounds(study, study.reference_arm))
    assert (describe_power(study) == "") == (len(study.arms) == 1 and not study.axes)


def test_no_cell_of_a_table_begins_a_formula_and_all_are_read_back(tmp_path: Path) -> None:
    names = ['=HYPERLINK("x")', "+dropout", "@home", "-1", "'quoted", "plain"]
    study = parse_study({"recipe": "digits", "arms": {name: {} for name in names if "@" not in name}})
    folder = StudyFolder(tmp_path / "odd")
    folder.path.mkdir()
    rows = [row for name in study.arms for row in make_rows(name, [0.9, 0.91])]
    folder.write_results(rows, ())
    with folder.results_file.open() as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@")) or cell == "-dropout"]
    assert [row.arm for row in folder.read_results()] == [row.arm for row in rows]
