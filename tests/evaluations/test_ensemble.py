"""An ensemble beside its networks: identities that hold exactly, and scikit-learn's numbers."""

import pytest
import torch
from sklearn.metrics import log_loss

from loupe.evaluations import Chart, LookedAt, Subject, carry_out, choose_evaluation
from loupe.evaluations.ensemble import measure_ambiguities, measure_disagreement
from loupe.evaluations.look import Look
from loupe.metrics import Predictions
from loupe.using.opened_series import average_predictions


def draw_members(count: int = 4, num_images: int = 500) -> tuple[Predictions, ...]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (num_images,), generator=generator)
    truth = torch.nn.functional.one_hot(labels, 3).float()
    return tuple(
        Predictions(labels, 1.5 * truth + torch.randn(truth.shape, generator=generator)) for _ in range(count)
    )


def look_at(members: tuple[Predictions, ...]) -> Look:
    subject = Subject(
        "classification",
        ("a", "b", "c"),
        (LookedAt("validation", average_predictions(members)),),
        members=members,
        names=tuple(f"seed {one}" for one in range(len(members))),
    )
    (look,) = carry_out([choose_evaluation("ensemble")], subject).looks
    assert not look.failure
    return look


def test_the_mean_is_of_probabilities() -> None:
    members = draw_members()
    mean = torch.stack([one.probabilities for one in members]).mean(0)
    assert torch.allclose(average_predictions(members).probabilities, mean, atol=1e-6)
    other = Predictions(members[0].labels.roll(1), members[0].logits)
    with pytest.raises(ValueError, match="other labels"):
        average_predictions((members[0], other))


def test_ambiguity_is_exactly_what_the_mean_gains() -> None:
    members = draw_members()
    mean = average_predictions(members)
    ambiguity = float(measure_ambiguities(mean, members).mean())
    look = look_at(members)
    found = {one.name: one.value for one in look.values}
    assert found["difference in Brier score"] == pytest.approx(-ambiguity, abs=1e-6)
    assert found["ambiguity (Brier)"] == pytest.approx(ambiguity)
    losses = [log_loss(one.labels, one.logits.double().softmax(1)) for one in members]
    ours = log_loss(mean.labels, mean.logits.double().softmax(1))
    wanted = ours - sum(losses) / len(losses)
    assert found["difference in negative log likelihood"] == pytest.approx(wanted, abs=1e-5)
    assert wanted < 0, "the mean is never worse than its networks on average, by Jensen's inequality"


def test_independent_networks_gain_and_equal_ones_do_not() -> None:
    members = draw_members()
    look = look_at(members)
    gain = look.values[1]
    assert gain.interval is not None
    assert gain.interval.low > 0
    (chart,) = [one for one in look.blocks if isinstance(one, Chart)]
    first, last = chart.lines[0].values[0], chart.lines[0].values[-1]
    assert first is not None
    assert last is not None
    assert last - first == pytest.approx(gain.value)
    assert last == pytest.approx(look.values[0].value)
    same = look_at((members[0], members[0]))
    assert same.values[1].value == 0
    assert measure_disagreement((members[0], members[0])) == 0


def test_disagreement_is_the_mean_over_pairs() -> None:
    members = draw_members(3)
    said = [one.predicted for one in members]
    pairs = [(said[0] != said[1]), (said[0] != said[2]), (said[1] != said[2])]
    wanted = sum(float(one.double().mean()) for one in pairs) / 3
    assert measure_disagreement(members) == pytest.approx(wanted)
