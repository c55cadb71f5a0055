"""Places: who is clearly better, and who shares one."""

import numpy as np
import pytest
import torch

from loupe.classroom.ranking import find_places, score
from loupe.metrics import Predictions

LABELS = torch.arange(400) % 4


def answer(num_wrong: int, start: int = 0) -> Predictions:
    predicted = LABELS.clone()
    predicted[start : start + num_wrong] = (predicted[start : start + num_wrong] + 1) % 4
    return Predictions(LABELS, torch.nn.functional.one_hot(predicted, 4).float() * 4)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "loss"])
def test_equals_share_a_place_and_the_clearly_worse_come_after(metric: str) -> None:
    places = find_places([answer(10), answer(12, 30), answer(150), answer(300)], metric, 0.95)
    assert [str(one) for one in places] == ["1–2", "1–2", "3", "4"]


def test_one_in_between_shares_with_both() -> None:
    first, last = answer(20), answer(60)
    places = find_places([first, answer(38), last], "accuracy", 0.95)
    assert [str(one) for one in places] == ["1", "2", "3"], "nested mistakes differ clearly"
    places = find_places([answer(20), answer(34, 150), answer(50, 200)], "accuracy", 0.95)
    assert [str(one) for one in places] == ["1–2", "1–3", "2–3"]


def test_nobody_and_one() -> None:
    assert find_places([], "accuracy", 0.95) == []
    assert [str(one) for one in find_places([answer(3)], "macro_f1", 0.95)] == ["1"]


def test_networks_of_one_skill_are_seldom_told_apart() -> None:
    generator = np.random.default_rng(1)
    false_alarms = 0
    for _ in range(40):
        group = []
        for _ in range(8):
            wrong = torch.from_numpy(generator.random(400) < 0.15)
            predicted = torch.where(wrong, (LABELS + 1) % 4, LABELS)
            group.append(Predictions(LABELS, torch.nn.functional.one_hot(predicted, 4).float()))
        false_alarms += any(str(one) != "1–8" for one in find_places(group, "accuracy", 0.95))
    assert false_alarms <= 5, "of 40 classes, at 5 %"


def test_the_score_is_that_of_the_metric() -> None:
    assert score(answer(40), "accuracy", 0.95).value == 0.9
    assert score(answer(40), "macro_f1", 0.95).interval is not None
    assert score(answer(0), "loss", 0.95).value == pytest.approx(0.0535, abs=1e-3)
