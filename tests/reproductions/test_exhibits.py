"""Published classes and courses beside ours: right numbers in the tables, and pictures that are there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from loupe.reproductions.details import RunDetails, keep_details, read_details
from loupe.reproductions.exhibits import make_exhibits
from loupe.reproductions.number_rules import Found
from loupe.reproductions.repeated_maps import draw_grids, list_published_maps
from loupe.reproductions.schema import ClassFigures, Course, Reproduction
from loupe.statistics import compute_wilson_interval
from loupe.studies import parse_study

CAT_DOG = ((80, 20), (5, 95))
RUN = RunDetails("k0", "", "a", {}, 0, 4, True, (0.5, 0.7, 0.8, 0.9), ("cat", "dog"), CAT_DOG)
FOUND = {"s": Found(parse_study({"recipe": "digits", "arms": {"a": {}, "b": {}}}), ())}


def claim(**more: object) -> Reproduction:
    return Reproduction.model_validate({"name": "x", "title": "A source", "studies": ("s",), **more})


CLASSES = ClassFigures(
    row="K7", what="hard classes", study="s", arm="a",
    published={"cat": 0.856, "dog": 0.909}, confused={"cat as dog": 68},
)  # fmt: skip
COURSE = Course(
    row="G6", what="the course", study="s", arm="a", epochs=8, published=((1, 0.4), (4, 0.6), (8, 0.7))
)


def test_classes_stand_beside_the_published_ones_with_intervals_and_confused_pairs(tmp_path: Path) -> None:
    (shown,) = make_exhibits(tmp_path, claim(classes=(CLASSES,)), FOUND, {"s": [RUN]})
    ends = compute_wilson_interval(80, 100, 0.95)
    assert shown.rows[0] == (
        "cat", "85.60 %", "80.00 %", f"{100 * ends.low:.2f} to {100 * ends.high:.2f} %"
    )  # fmt: skip
    assert shown.rows[1][:3] == ("dog", "90.90 %", "95.00 %")
    assert shown.rows[2] == ("cat taken for dog, images", "68", "20", "")
    assert "tau between the two orders of classes: +1.00" in shown.text
    assert all((tmp_path / file).stat().st_size > 1000 for file, _ in shown.pictures)


def test_several_seeds_are_averaged_and_their_interval_is_wider(tmp_path: Path) -> None:
    other = replace(RUN, seed=1, key="k1", confusion=((90, 10), (5, 95)))
    (one,) = make_exhibits(tmp_path, claim(classes=(CLASSES,)), FOUND, {"s": [RUN]})
    (two,) = make_exhibits(tmp_path, claim(classes=(CLASSES,)), FOUND, {"s": [RUN, other]})
    assert two.rows[0][2] == "85.00 %"
    assert two.rows[2][2] == "15"

    def width(text: str) -> float:
        low, _, high = text.removesuffix(" %").partition(" to ")
        return float(high) - float(low)

    assert width(two.rows[0][3]) > width(one.rows[0][3])


def test_a_course_is_read_at_the_same_part_of_the_training(tmp_path: Path) -> None:
    """Epoch 4 of 8 is epoch 2 of 4; epoch 1 of 8 lies before the end of our first."""
    (shown,) = make_exhibits(tmp_path, claim(courses=(COURSE,)), FOUND, {"s": [RUN]})
    assert [row[2] for row in shown.rows] == ["", "70.00 %", "90.00 %"]
    half = COURSE.model_copy(update={"published": ((3, 0.5),)})
    (shown,) = make_exhibits(tmp_path, claim(courses=(half,)), FOUND, {"s": [RUN]})
    assert shown.rows[0][2] == "60.00 %", "between epochs 1 and 2"


def test_runs_that_are_not_at_their_end_are_named_with_how_far_they_are(tmp_path: Path) -> None:
    going = replace(RUN, is_finished=False, course=(0.5, 0.7), confusion=(), class_names=())
    (shown,) = make_exhibits(tmp_path, claim(classes=(CLASSES,)), FOUND, {"s": [going]})
    assert shown.title == "Not at their end"
    assert shown.rows == (("s", "a, seed 0", "2 of 4", "70.00 %", "70.00 %"),)
    course, unfinished = make_exhibits(tmp_path, claim(courses=(COURSE,)), FOUND, {"s": [going]})
    assert [row[2] for row in course.rows] == ["", "70.00 %", ""], "what is not reached is empty"
    assert unfinished.rows == shown.rows


def test_other_arms_are_left_out(tmp_path: Path) -> None:
    assert make_exhibits(tmp_path, claim(classes=(CLASSES,)), FOUND, {"s": [replace(RUN, arm="b")]}) == []


def test_details_of_two_machines_are_joined_and_the_further_training_wins(tmp_path: Path) -> None:
    here, known = tmp_path / "here.json", tmp_path / "known.json"
    both = {"k0", "k1"}
    first = [RUN, replace(RUN, key="k1", seed=1, is_finished=False, course=(0.5,))]
    keep_details(known, first, None, wanted=both)
    further = replace(RUN, key="k1", seed=1, is_finished=False, course=(0.5, 0.6))
    back = replace(RUN, is_finished=False, course=(0.1,), confusion=(), class_names=())
    assert keep_details(here, [back, further], known, wanted=both) == [RUN, further]
    assert read_details(here) == [RUN, further]
    assert keep_details(here, [], None, wanted={"k0"}) == [RUN], "what is no longer asked for is dropped"
    assert read_details(here) == [RUN]
    assert keep_details(tmp_path / "none.json", [], None, wanted=both) == []
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize(
    ("count", "columns", "distinct"), [(64, 8, 64), (128, 32, 44), (256, 32, 88), (512, 32, 272)]
)
def test_the_notebooks_grid_shows_so_many_maps(count: int, columns: int, distinct: int) -> None:
    """Of a ResNet-18's four stages: all, 44 of 128, 88 of 256 and 272 of 512."""
    shown = list_published_maps(count, columns)
    assert len(shown) == count
    assert len(set(shown)) == distinct


def test_both_grids_are_drawn() -> None:
    maps = np.random.default_rng(0).random((256, 8, 8))
    published, corrected = draw_grids(maps, 32, "stage3").axes
    assert (
        published.get_title(loc="left")
        == "stage3, as published: 88 of 256 maps, the others come again (pale)"
    )
    assert corrected.get_title(loc="left") == "stage3, corrected: 256 of 256 maps"
    strength = np.asarray(published.images[0].get_alpha())
    assert (strength == 0.3).any()
    assert not (np.asarray(corrected.images[0].get_alpha()) == 0.3).any()


def test_a_mean_along_a_course_is_one_of_the_same_runs(tmp_path: Path) -> None:
    further = replace(RUN, seed=1, key="k1", course=(0.3, 0.5, 0.6, 0.7))
    going = replace(RUN, seed=2, key="k2", is_finished=False, course=(0.1, 0.1), confusion=())
    course, _ = make_exhibits(tmp_path, claim(courses=(COURSE,)), FOUND, {"s": [RUN, further, going]})
    assert [row[2] for row in course.rows] == ["", "60.00 %", "80.00 %"]
    assert "2 seeds" in course.text


@pytest.mark.thorough
def test_classes_that_the_network_does_not_have_are_said_to_be_missing(tmp_path: Path) -> None:
    odd = CLASSES.model_copy(update={"published": {"cat": 0.8, "emu": 0.7}, "confused": {"cat as emu": 3}})
    (shown,) = make_exhibits(tmp_path, claim(classes=(odd,)), FOUND, {"s": [RUN]})
    assert ("emu", "70.00 %", "no such class", "") in shown.rows
    assert shown.rows[-1] == ("cat taken for emu, images", "3", "no such class", "")
    assert "tau" not in shown.text
    with pytest.raises(ValidationError):
        ClassFigures(row="K7", what="x", study="s", published={}, confused={"cat dog": 1})
