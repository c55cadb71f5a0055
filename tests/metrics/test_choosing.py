"""How a metric is chosen, registered and written."""

import pytest

import loupe
from loupe.errors import LoupeError, RecipeError, UnknownNameError
from loupe.metrics import METRICS, MetricValue, choose_metric, describe_metric, register_metric
from loupe.metrics.registry import choose_metrics
from loupe.recipe.sections import Choice, read_choice_text, write_choice_text
from loupe.runs.result import Outcome
from loupe.statistics import Interval


def test_settings_that_are_not_the_default_are_part_of_the_name() -> None:
    assert choose_metric("top_k_accuracy").metric.name == "top_k_accuracy"
    assert choose_metric("top_k_accuracy:k=5").metric.name == "top_k_accuracy"
    chosen = choose_metric(Choice(name="top_k_accuracy", k=3))
    assert (chosen.metric.name, chosen.metric.title) == ("top_k_accuracy:k=3", "top-3 accuracy")
    assert choose_metric(chosen.metric.name) == chosen


def test_a_choice_as_one_word_reads_back() -> None:
    settings = {"k": 3, "share": 0.5, "is_strict": True, "kind": "mean"}
    assert read_choice_text(write_choice_text("some", settings)) == ("some", settings)


def test_each_metric_is_measured_once_and_what_every_run_has_is_left_out() -> None:
    names = ["macro_f1", "top_k_accuracy:k=3", "macro_f1", "accuracy", "loss", "top_k_accuracy"]
    chosen = [one.metric.name for one in choose_metrics(names)]
    assert chosen == ["macro_f1", "top_k_accuracy:k=3", "top_k_accuracy"]


def test_a_recipe_names_metrics_by_name_table_or_word() -> None:
    mapping = {
        "evaluate": {"metrics": ["macro_f1", {"name": "top_k_accuracy", "k": 3}, "top_k_accuracy:k=2"]}
    }
    recipe = loupe.load_recipe(mapping, ["evaluate.select_by={name = 'top_k_accuracy', k = 4}"])
    assert [one.settings for one in recipe.evaluate.metrics] == [{}, {"k": 3}, {"k": 2}]
    assert recipe.evaluate.select_by == "top_k_accuracy:k=4"
    assert loupe.load_recipe(recipe) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("evaluate.metrics=makro_f1", "evaluate.metrics.0: got 'makro_f1'"),
        ("evaluate.metrics=makro_f1", "did you mean 'macro_f1'?"),
        ("evaluate.metrics=top_k_accuracy:k=0", "evaluate.metrics.0.k: got 0; allowed: a number ≥ 1"),
        ("evaluate.metrics=macro_f1:k=3", "evaluate.metrics.0.k: got an unknown field"),
        ("evaluate.select_by=acuracy", "did you mean 'accuracy'?"),
    ],
)
def test_mistakes_are_named_with_their_place(override: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        loupe.load_recipe("digits", [override])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "facts", "message"),
    [
        ("loss", {"better": "lower"}, "a word of small letters, digits and underscores, not loss"),
        ("My metric", {"better": "lower"}, "a word of small letters"),
        ("mine", {"better": "more"}, "better='higher' or better='lower'"),
        ("mine", {"better": "lower", "bounds": (1, 0)}, "a smaller and a larger number"),
        ("mine", {"better": "lower", "objective": "regression"}, "classification or reconstruction"),
        ("accuracy", {"better": "lower"}, "a free name"),
        ("mine", {"better": "lower", "objective": "reconstruction"}, "errors, outputs, images, level"),
    ],
)
def test_what_cannot_be_registered_is_said(name: str, facts: dict[str, object], message: str) -> None:
    with pytest.raises(LoupeError) as caught:

        @register_metric(name, unit="", **facts)  # type: ignore[arg-type]  # some are wrong on purpose
        def mine(labels: object) -> float:
            return 0.0

    assert message in str(caught.value)
    assert "mine" not in METRICS


def test_a_function_that_fails_is_named() -> None:
    @register_metric("broken", unit="", better="lower")
    def broken(labels: object) -> float:
        raise ZeroDivisionError("no images")

    try:
        with pytest.raises(LoupeError, match="Metric 'broken' cannot be computed") as caught:
            choose_metric("broken").compute(type("Answers", (), {"labels": None})())
        assert caught.value.got == "ZeroDivisionError: no images"
    finally:
        METRICS._builders.pop("broken")


def test_the_reported_loss_has_the_unit_of_its_objective() -> None:
    assert describe_metric("loss", "classification").label == "loss (nats)"
    assert describe_metric("loss", "reconstruction").label == "error (mean square)"
    assert describe_metric("loss").label == "loss"
    with pytest.raises(UnknownNameError):
        describe_metric("accuracy", "reconstruction")


def test_values_are_written_with_their_unit() -> None:
    share, loss = describe_metric("macro_f1"), describe_metric("negative_log_likelihood")
    kappa = describe_metric("cohen_kappa")
    assert (
        MetricValue(share, 0.912, Interval(0.9061, 0.9179)).describe()
        == "macro F1 91.20 % (90.61 to 91.79 %)"
    )
    assert loss.describe(0.0336) == "negative log likelihood 0.0336 nats"
    assert MetricValue(kappa, -0.1234).write() == "-0.123"
    assert MetricValue(kappa, None).describe() == "Cohen's kappa not defined"
    assert (share.write_difference(0.0012), loss.write_difference(-0.0031)) == ("+0.12", "-0.0031")
    assert (share.write_gap(0.0031), loss.write_gap(0.0021)) == ("0.31 points", "0.00210 nats")
    assert (share.write_spread(0.0012), loss.write_spread(None)) == ("0.12", "")


def test_a_result_of_before_there_were_metrics_is_read() -> None:
    old = {
        "epoch": 3,
        "validation": {
            "accuracy": 0.5,
            "interval": {"low": 0.1, "high": 0.9},
            "correct": 1,
            "num_images": 2,
            "loss": 0.7,
            "class_names": ["a", "b"],
            "per_class": [],
            "confusion": [[1, 0], [1, 0]],
        },
        "test": None,
    }
    outcome = Outcome.from_dict(old)
    assert outcome.validation.metrics == {}
    assert outcome.validation.headline.write() == "50.00 % (10.00 to 90.00 %)"
    assert outcome.validation.reported_loss.value == 0.7
