"""Two networks: differences in every metric, agreement, and layers, where the truth is known."""

import pytest
import torch
from sklearn.metrics import f1_score

import loupe
from loupe.data import ImageDataset
from loupe.data.normalization import Normalization
from loupe.evaluations import HeatMap, LookedAt, Network, Subject, carry_out, choose_evaluation
from loupe.evaluations.look import Look
from loupe.evaluations.two_networks import say_margin
from loupe.metrics import Predictions, choose_metrics
from loupe.models.layer_table import describe_layers
from loupe.statistics import Interval

CLASSES = ("a", "b", "c")


def draw_two(num_images: int = 600) -> tuple[Predictions, Predictions]:
    """A network that is right in 90 % and one that is right in 70 % of the same images."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (num_images,), generator=generator)
    answers = []
    for accuracy in (0.9, 0.7):
        said = torch.where(torch.rand(num_images, generator=generator) < accuracy, labels, (labels + 1) % 3)
        logits = 2.0 * torch.nn.functional.one_hot(said, 3).float()
        answers.append(Predictions(labels, logits + 0.1 * torch.rand(logits.shape, generator=generator)))
    return answers[0], answers[1]


def look_at_two(name: str, first: Predictions, second: Predictions, *metrics: str) -> Look:
    subject = Subject(
        "classification",
        CLASSES,
        (LookedAt("validation", first),),
        against=second,
        names=("first", "second"),
        metrics=tuple(choose_metrics(metrics)),
    )
    (look,) = carry_out([choose_evaluation(name)], subject).looks
    assert not look.failure
    return look


def test_every_metric_has_its_difference_and_an_interval() -> None:
    first, second = draw_two()
    look = look_at_two("metric_differences", first, second, "macro_f1")
    found = {one.name.removeprefix("difference in "): one for one in look.values}
    assert list(found) == ["accuracy", "negative log likelihood", "Brier score", "macro F1"]
    f1 = [f1_score(one.labels, one.predicted, average="macro") for one in (first, second)]
    assert found["macro F1"].value == pytest.approx(f1[0] - f1[1])
    losses = [torch.nn.functional.cross_entropy(one.logits, one.labels) for one in (first, second)]
    assert found["negative log likelihood"].value == pytest.approx(float(losses[0] - losses[1]), abs=1e-6)
    for one in found.values():
        assert one.interval is not None
        assert one.value is not None
        assert one.interval.low < one.value < one.interval.high
    accuracy = found["accuracy"].interval
    assert accuracy is not None
    # Wald's interval of a paired difference, from the images on which the two differ
    gap = (first.is_right.double() - second.is_right.double()).std() / len(first.labels) ** 0.5
    # and wider, as four figures are one family: up to Bonferroni's 2.50
    assert 2 * 1.96 * float(gap) < accuracy.high - accuracy.low < 1.1 * 2 * 2.5 * float(gap)
    assert "first is better by accuracy, negative log likelihood, Brier score, macro F1" in look.sentence
    turned = look_at_two("metric_differences", second, first)
    assert "Beyond chance, second is better by accuracy" in turned.sentence


def test_agreement_of_one_network_with_itself_and_with_another() -> None:
    first, second = draw_two()
    same = look_at_two("agreement", first, first)
    assert same.values[0].value == 1
    assert same.values[2].value == pytest.approx(1)
    look = look_at_two("agreement", first, second)
    share = look.values[0]
    assert share.value == float((first.predicted == second.predicted).double().mean())
    assert share.interval is not None
    assert "no more than the" in look.sentence or "more than the" in look.sentence


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.004, 0.004, "equivalent within 0.5 points"),
        (-0.004, 0.02, "a is shown not to be worse by more than 0.5 points"),
        (-0.02, -0.006, "a is shown to be worse by more than 0.5 points"),
        (-0.02, 0.004, "b is shown not to be worse by more than 0.5 points; of a that is not shown"),
        (0.006, 0.02, "a is shown to be better by more than 0.5 points"),
        (-0.02, 0.02, "Of neither is it shown that it is worse by no more than 0.5 points"),
    ],
)
def test_what_is_said_of_a_margin(low: float, high: float, said: str) -> None:
    assert said in say_margin(("a", "b"), Interval(low, high), 0.5)


def make_network(seed: int, name: str = "cnn") -> Network:
    torch.manual_seed(seed)
    more = {"conv_layers": 4, "width": 1} if name == "cnn" else {}
    model = loupe.build_model(name, in_channels=1, image_size=(8, 8), num_classes=10, **more)
    layers = describe_layers(model, in_channels=1, image_size=(8, 8))
    return Network(model, Normalization((0.3,), (0.3,)), layers, torch.device("cpu"), batch_size=64)


def compare_layers(images: ImageDataset, first: Network, second: Network) -> tuple[Look, HeatMap]:
    answers = first.predict(images)
    subject = Subject(
        "classification",
        images.class_names,
        (LookedAt("validation", answers, images),),
        network=first,
        against=second.predict(images),
        against_network=second,
        names=("first", "second"),
    )
    (look,) = carry_out([choose_evaluation("layer_similarity")], subject).looks
    assert not look.failure
    (heat,) = look.blocks
    assert isinstance(heat, HeatMap)
    return look, heat


def test_a_network_computes_like_itself_layer_by_layer(few_digits: ImageDataset) -> None:
    first = make_network(0)
    look, heat = compare_layers(few_digits, first, first)
    assert heat.rows == heat.columns
    for place, row in enumerate(heat.values):
        assert row[place] == pytest.approx(1, abs=1e-4)
    assert look.values[0].value == pytest.approx(1, abs=1e-4)
    _, other = compare_layers(few_digits, first, make_network(1))
    assert all((one or 0) < 1 - 1e-3 for row in other.values for one in row), "other weights, other layers"
    assert not first.model._forward_hooks
    assert all(not one._forward_hooks for one in first.model.modules())


def test_networks_of_two_architectures_have_a_map_too(few_digits: ImageDataset) -> None:
    look, heat = compare_layers(few_digits, make_network(0), make_network(0, "mlp"))
    assert len(heat.rows) != len(heat.columns) or heat.rows != heat.columns
    assert "Each layer and the most alike of the other" in look.sentence
    assert all(one is None or 0 <= one <= 1 for row in heat.values for one in row)
