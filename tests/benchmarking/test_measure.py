"""The speed of a recipe: stages that add up, and values that can be written down."""

import json
from dataclasses import replace
from statistics import median

import pytest

from loupe.benchmarking import SpeedReport, measure_recipe
from loupe.benchmarking.measure import _scale_to_recipe
from loupe.benchmarking.report import divide_epoch, make_stage
from loupe.cli.speed_tables import HEADINGS, describe_speed, describe_stages
from loupe.errors import LoupeError
from loupe.running import load_recipe

QUICK = ["run.threads=1", "model.width=1", "evaluate.look_inside=false"]


@pytest.fixture(scope="module")
def report() -> SpeedReport:
    return measure_recipe(load_recipe("digits", QUICK), seconds=0.4)


def test_stages_add_up_to_the_step(report: SpeedReport) -> None:
    parts = ("load", "augment", "forward", "backward", "update")
    together = sum(report.stage(part).seconds_per_image.median for part in parts)
    whole = report.stage("step").seconds_per_image.median
    # the loop also counts, asks whether the loss is finite and sets rates; a shared machine does the rest
    assert 0.4 < together / whole < 1.7
    assert report.stage("forward").seconds_per_image.median < whole


def test_rates_follow_from_seconds_and_counts(report: SpeedReport) -> None:
    forward, backward, step = (report.stage(name) for name in ("forward", "backward", "step"))
    assert forward.flops_per_image + backward.flops_per_image == step.flops_per_image
    assert forward.flops_per_second is not None
    assert forward.images_per_second is not None
    rate = forward.images_per_second.low * forward.flops_per_image
    assert forward.flops_per_second.low == pytest.approx(rate, rel=1e-6)
    assert report.stage("load").flops_per_second is None
    fastest = 1 / (report.batch_size * step.seconds_per_image.low)
    assert report.steps_per_second.high == pytest.approx(fastest, rel=1e-6)
    assert report.batch_size == report.recipe_batch_size == 64
    assert report.product.flops_per_second.low > 1e8
    assert report.peak_memory_bytes is None or report.peak_memory_bytes > 5e7
    assert report.compile_seconds is None
    assert "test" not in report.environment["data_digests"], "timing has no business with the test set"


def test_values_survive_json(report: SpeedReport) -> None:
    written = json.loads(json.dumps(report.to_dict()))
    assert written["bound"] == report.bound
    assert SpeedReport.from_dict(written) == report


def test_a_table_and_a_sentence_say_it(report: SpeedReport) -> None:
    rows = describe_stages(report)
    names = [row[0] for row in rows]
    assert names[:3] == ["load", "augment", "forward"]
    assert names[-2] == "matrix product, 1024 rows"
    assert names[-1].startswith(("convolution", "matrix product"))
    assert {len(row) for row in rows} == {len(HEADINGS)}
    *_, sentence = describe_speed(report)
    assert sentence.startswith(f"digits is bound by {report.bound}: of an epoch's ")


def test_large_steps_are_cut_so_that_they_fit_into_the_time() -> None:
    recipe = load_recipe("digits", [*QUICK, "model={name='resnet', depth=20}", "train.batch_size=512"])
    report = measure_recipe(recipe, seconds=0.05)
    assert 8 <= report.batch_size < report.recipe_batch_size == 512
    assert any(line.startswith("batches cut from 512 images") for line in describe_speed(report))


@pytest.mark.thorough
def test_finding_the_hardest_images_is_a_stage_of_its_own() -> None:
    """Only the kept half goes through the network; all of them go through the proxy."""
    hard = "train.hard_examples={keep=0.5, proxy={name='mlp', widths=[8]}}"
    plain, ranked = (
        measure_recipe(load_recipe("digits", [*QUICK, *more]), seconds=0.2) for more in ((), (hard,))
    )
    assert ranked.stage("forward").flops_per_image == plain.stage("forward").flops_per_image / 2
    mlp = 2 * (64 * 8 + 8 * 10)
    assert ranked.stage("rank").flops_per_image == mlp + 2 * mlp - 2 * 64 * 8
    parts = [ranked.stage(name).flops_per_image for name in ("rank", "forward", "backward")]
    assert ranked.stage("step").flops_per_image == sum(parts)
    assert "rank" not in [stage.name for stage in plain.stages]


def test_without_augmentation_there_is_no_such_stage() -> None:
    report = measure_recipe(load_recipe("digits", [*QUICK, "data.augment=[]"]), seconds=0.2)
    assert report.stage("augment").images_per_second is None
    assert report.epoch_parts["augmentation"] == 0


@pytest.mark.parametrize(
    ("seconds", "bound"),
    [
        ({"load": 1e-6, "augment": 9e-4, "step": 1e-3, "evaluate": 1e-5}, "augmentation"),
        ({"load": 1e-6, "augment": 0.0, "step": 1e-3, "evaluate": 1e-5}, "arithmetic"),
        ({"load": 1e-6, "augment": 0.0, "step": 4e-3, "evaluate": 1e-5}, "operator overhead"),
        ({"load": 1e-6, "augment": 0.0, "step": 1e-3, "evaluate": 1e-2}, "evaluation"),
    ],
)
def test_the_bound_is_what_most_of_an_epoch_goes_into(seconds: dict[str, float], bound: str) -> None:
    parts = divide_epoch(seconds, num_train=1000, num_evaluated=200, flops=9e6, best_rate=1e10)
    assert max(parts, key=lambda part: parts[part]) == bound
    assert sum(parts.values()) == pytest.approx(1000 * seconds["step"] + 200 * seconds["evaluate"])


def test_epochs_that_differ_from_the_one_measured_are_named() -> None:
    smaller = "train.progressive_resizing={size=7, until_epoch=2}"
    later = "train.freeze_later={layers=['group1'], after_epoch=3}"
    network = "model={name='fast-net', widths=[8, 16]}"
    overrides = [network, "run.threads=1", "train.epochs=5", smaller, later]
    report = measure_recipe(load_recipe("digits", overrides), seconds=0.1)
    (line,) = (line for line in describe_speed(report) if "some epochs differ" in line)
    assert line == (
        "measured with whole images and every layer training; some epochs differ: images of 7 x 7 pixels "
        "until epoch 2 of 5; stops training after epoch 3 of 5: group1"
    )
    assert SpeedReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_a_recipe_whose_epochs_are_alike_says_nothing_of_them(report: SpeedReport) -> None:
    assert not any("epochs differ" in line for line in describe_speed(report))


def test_a_rest_below_0_is_no_time(report: SpeedReport) -> None:
    """On a busy machine parts can take longer by themselves than in the step."""
    rest = make_stage("rest", [-1e-6, -2e-6, 1e-6], 0.0, [1.0, 1.0, 1.0])
    kept = tuple(stage for stage in report.stages if stage.name != "rest")
    rows = {row[0]: row for row in describe_stages(replace(report, stages=(*kept, rest)))}
    assert rows["rest"] == ("rest", "", "", "below the noise", "", "", "", "")
    assert not any(cell.startswith("-") for row in rows.values() for cell in row)


def test_an_update_is_shared_by_the_images_of_the_recipes_batch() -> None:
    values = {"load": [0.0], "augment": [0.0], "step": [10.0], "evaluate": [1.0], "update": [8.0]}
    assert _scale_to_recipe(values, cut=1.0)["step"] == 10.0
    assert _scale_to_recipe(values, cut=0.25)["step"] == 4.0  # 2 for itself, and a quarter of the update


def test_a_stage_is_compared_with_the_product_round_by_round() -> None:
    """A machine that is twice as slow in one round is so for both."""
    stage = make_stage("forward", [1.0, 2.0, 1.0], 10.0, [20.0, 10.0, 20.0])
    assert stage.share_of_product is not None
    assert (stage.share_of_product.low, stage.share_of_product.high) == (0.5, 0.5)
    assert stage.seconds_per_image.median == median([1.0, 2.0, 1.0])


def test_time_that_is_none_is_refused() -> None:
    with pytest.raises(LoupeError, match="A measurement takes time"):
        measure_recipe(load_recipe("digits", QUICK), seconds=0)
