"""Simple classifiers beside scikit-learn's, and what is said of a network beside them."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from loupe.data import Dataset, ImageDataset
from loupe.evaluations import LookedAt, Subject, Table, carry_out, choose_evaluation
from loupe.evaluations.simple_classifiers import (
    fit_logistic,
    fit_ridge,
    flatten_pixels,
    predict_from_random_features,
    predict_logistic,
    predict_majority,
    predict_nearest_mean,
    predict_nearest_neighbours,
    standardise,
)
from loupe.metrics import Predictions


@pytest.fixture
def sides(digits: Dataset) -> tuple[ImageDataset, ImageDataset]:
    return digits.train.select(torch.arange(0, 700)), digits.train.select(torch.arange(700, 1200))


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")
def test_neighbours_and_means_are_scikit_learns(sides: tuple[ImageDataset, ImageDataset]) -> None:
    training, images = sides
    x, y, wanted = flatten_pixels(training).double().numpy(), training.labels.numpy(), flatten_pixels(images)
    for k in (1, 4, 5):
        theirs = KNeighborsClassifier(k, algorithm="brute").fit(x, y).predict(wanted.double().numpy())
        ours = predict_nearest_neighbours(training, images, k)
        # equally near images at the edge of the k may be taken in either order
        assert int((ours != torch.from_numpy(theirs)).sum()) <= 1
    theirs = NearestCentroid().fit(x, y).predict(wanted.double().numpy())
    assert torch.equal(predict_nearest_mean(training, images), torch.from_numpy(theirs))


def test_logistic_regression_is_scikit_learns(sides: tuple[ImageDataset, ImageDataset]) -> None:
    training, images = sides
    rows, wanted = standardise(flatten_pixels(training), flatten_pixels(images))
    theirs = LogisticRegression(C=1 / (0.01 * len(rows)), tol=1e-8, max_iter=2000)
    theirs.fit(rows.double().numpy(), training.labels.numpy())
    ours = fit_logistic(rows.double(), training.labels, 10, 0.01, most_steps=1000)
    torch.testing.assert_close(
        ours.say(wanted.double()).softmax(1),
        torch.from_numpy(theirs.predict_proba(wanted.double().numpy())),
        atol=2e-4,
        rtol=0,
    )
    said = predict_logistic(training, images)  # in single precision
    assert int((said != torch.from_numpy(theirs.predict(wanted.numpy()))).sum()) <= 1


@pytest.mark.parametrize(("precision", "atol"), [(torch.float64, 2e-4), (torch.float32, 2e-3)])
def test_logistic_regression_of_fewer_rows_than_pixels_is_scikit_learns(
    precision: torch.dtype, atol: float
) -> None:
    draw = torch.Generator().manual_seed(0)
    rows, wanted = torch.randn(60, 500, generator=draw), torch.randn(40, 500, generator=draw)
    rows[1], rows[2:4] = rows[0], 0.0  # a copy, and rows that say nothing: not of full rank
    labels = torch.arange(60) % 3
    theirs = LogisticRegression(C=1 / (0.1 * 60), tol=1e-8, max_iter=2000)
    theirs.fit(rows.double().numpy(), labels.numpy())
    ours = fit_logistic(rows.to(precision), labels, 3, 0.1, most_steps=1000)
    assert ours.weight.shape == (500, 3)
    torch.testing.assert_close(
        ours.say(wanted.to(precision)).softmax(1).double(),
        torch.from_numpy(theirs.predict_proba(wanted.double().numpy())),
        atol=atol,
        rtol=0,
    )


def test_ridge_is_scikit_learns(sides: tuple[ImageDataset, ImageDataset]) -> None:
    training, images = sides
    rows, wanted = standardise(flatten_pixels(training), flatten_pixels(images))
    theirs = RidgeClassifier(alpha=0.01 * len(rows)).fit(rows.double().numpy(), training.labels.numpy())
    ours = fit_ridge(rows.double(), training.labels, 10, 0.01).say(wanted.double())
    expected = torch.from_numpy(theirs.decision_function(wanted.double().numpy()))
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-6)


def test_random_features_are_better_than_class_means_and_repeat(
    sides: tuple[ImageDataset, ImageDataset],
) -> None:
    training, images = sides
    said = predict_from_random_features(training, images, seed=1)
    assert torch.equal(said, predict_from_random_features(training, images, seed=1))
    plain = predict_nearest_mean(training, images)
    assert (said == images.labels).sum() > (plain == images.labels).sum()
    assert set(predict_majority(training, images).tolist()) == {int(torch.bincount(training.labels).argmax())}


def judge(training: ImageDataset, images: ImageDataset, logits: torch.Tensor) -> tuple[str, Table]:
    subject = Subject(
        "classification",
        images.class_names,
        (LookedAt("validation", Predictions(images.labels, logits), images),),
        load_training=lambda: training,
    )
    (look,) = carry_out([choose_evaluation("baselines")], subject).looks
    assert not look.failure
    (table,) = [block for block in look.blocks if isinstance(block, Table)]
    return look.sentence, table


def test_a_network_no_better_than_its_neighbours_is_told_so(sides: tuple[ImageDataset, ImageDataset]) -> None:
    training, images = sides
    said = predict_nearest_neighbours(training, images)
    sentence, table = judge(training, images, torch.nn.functional.one_hot(said, 10).float())
    assert "is not shown to be better than " in sentence
    assert (
        f"k nearest neighbours ({float((said == images.labels).double().mean()):.1%})".replace("%", " %")
        in sentence
    )
    assert "majority class" not in sentence
    assert "nearest class mean" not in sentence
    rows = {row[0]: row for row in table.rows}
    assert rows["k nearest neighbours"][4] == 0
    assert rows["k nearest neighbours"][8] == int((said != images.labels).sum())


def test_classifiers_that_are_shown_to_be_better_are_told_apart_from_those_that_may_be(
    sides: tuple[ImageDataset, ImageDataset],
) -> None:
    training, images = sides
    always = predict_majority(training, images)
    sentence, table = judge(training, images, torch.nn.functional.one_hot(always, 10).float())
    better = [row[0] for row in table.rows if row[4] < 0 and row[7] < 0.05]
    assert len(better) == 4
    told = sentence.partition(" does worse than ")[2].partition(" and is not shown")[0]
    assert [name for name in better if name in told] == better
    assert "is not shown to be better than majority class" in sentence


def test_a_network_that_is_right_is_better_than_all(sides: tuple[ImageDataset, ImageDataset]) -> None:
    training, images = sides
    sentence, table = judge(training, images, torch.nn.functional.one_hot(images.labels, 10).float())
    assert "is better than each simple classifier" in sentence
    assert all(isinstance(row[4], float) and row[4] > 0 for row in table.rows)
