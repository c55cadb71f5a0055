"""Our metrics beside scikit-learn's and torchmetrics', on answers of every difficulty."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from torch import Tensor
from torchmetrics.functional import classification as tm
from torchmetrics.functional import regression as tr

from loupe.metrics import Predictions, choose_metric
from loupe.metrics.reconstruction import GivenBack


@st.composite
def draw_answers(draw: st.DrawFn) -> Predictions:
    num_classes = draw(st.integers(2, 6))
    num_images = draw(st.integers(2, 60))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    labels = torch.randint(num_classes, (num_images,), generator=generator)
    logits = torch.randn(num_images, num_classes, generator=generator)
    logits[torch.arange(num_images), labels] += draw(st.sampled_from([-1.0, 0.0, 1.0, 4.0]))
    return Predictions(labels, logits)


def compute(name: str, answers: object) -> float:
    value = choose_metric(name).compute(answers).value
    assert value is not None
    return value


@settings(max_examples=60, deadline=None)
@given(answers=draw_answers())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_scikit_learn(answers: Predictions) -> None:
    labels, predicted = answers.labels.numpy(), answers.predicted.numpy()
    probabilities = answers.logits.double().softmax(1).numpy()
    classes = list(range(answers.num_classes))
    assert compute("accuracy", answers) == pytest.approx(sk.accuracy_score(labels, predicted))
    present = sorted(set(labels.tolist()))
    assert compute("macro_f1", answers) == pytest.approx(
        sk.f1_score(labels, predicted, labels=present, average="macro", zero_division=0)
    )
    recall = sk.recall_score(labels, predicted, labels=present, average="macro", zero_division=0)
    assert compute("macro_recall", answers) == pytest.approx(recall)
    assert compute("balanced_accuracy", answers) == pytest.approx(recall)
    assert compute("matthews_correlation", answers) == pytest.approx(sk.matthews_corrcoef(labels, predicted))
    kappa = choose_metric("cohen_kappa").compute(answers).value
    if kappa is not None:
        assert kappa == pytest.approx(sk.cohen_kappa_score(labels, predicted))
    loss = sk.log_loss(labels, probabilities, labels=classes)
    assert compute("negative_log_likelihood", answers) == pytest.approx(loss, rel=1e-6)
    brier = sk.brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)
    assert compute("brier_score", answers) == pytest.approx(brier)
    if answers.num_classes > 2:
        k = answers.num_classes - 1
        top = sk.top_k_accuracy_score(labels, answers.logits.numpy(), k=k, labels=classes)
        assert compute(f"top_k_accuracy:k={k}", answers) == pytest.approx(top)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_is_scikit_learns() -> None:
    labels, predicted = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 1, 2])
    answers = Predictions(labels, torch.nn.functional.one_hot(predicted, 3).float())
    expected = sk.balanced_accuracy_score(labels.numpy(), predicted.numpy())
    assert (
        compute("balanced_accuracy", answers) == pytest.approx(expected) == pytest.approx((2 / 3 + 1 / 2) / 2)
    )


@settings(max_examples=30, deadline=None)
@given(answers=draw_answers())
def test_torchmetrics(answers: Predictions) -> None:
    logits, labels, count = answers.logits, answers.labels, answers.num_classes

    def same(name: str, theirs: Tensor) -> None:
        assert compute(name, answers) == pytest.approx(float(theirs), abs=1e-5)

    same("accuracy", tm.multiclass_accuracy(logits, labels, count, average="micro"))
    of_classes = tm.multiclass_f1_score(logits, labels, count, average="none")
    same("macro_f1", of_classes[labels.unique()].mean())  # of those with images
    same("matthews_correlation", tm.multiclass_matthews_corrcoef(logits, labels, count))
    same(f"top_k_accuracy:k={count - 1}", tm.multiclass_accuracy(logits, labels, count, "micro", count - 1))
    if choose_metric("cohen_kappa").compute(answers).value is not None:
        same("cohen_kappa", tm.multiclass_cohen_kappa(logits, labels, count))


def test_mean_squared_error() -> None:
    generator = torch.Generator().manual_seed(0)
    images, outputs = (torch.rand(30, 3, 8, 8, generator=generator) for _ in range(2))
    errors = (outputs - images).square().flatten(1).mean(1)
    ours = compute("mean_squared_error", GivenBack(errors))
    assert ours == pytest.approx(float(tr.mean_squared_error(outputs, images)), rel=1e-6)
    assert ours == pytest.approx(
        sk.mean_squared_error(images.flatten().numpy(), outputs.flatten().numpy()), rel=1e-6
    )
