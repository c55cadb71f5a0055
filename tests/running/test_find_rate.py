import json
import math
from pathlib import Path

import pytest

from loupe.cli import main
from loupe.data.batches import EvaluationBatches
from loupe.data.locked_test import LockedTest
from loupe.errors import LoupeError, TrainingError
from loupe.running import load_recipe
from loupe.running.find_rate import read_rate_test, smooth, sweep_rates
from tests.quick_runs import Train

QUICK = ("model.width=1", "data.augment=[]")


def make_losses(rates: list[float], fastest: float, least: float) -> list[float]:
    """A loss that falls like a logistic curve around one rate, and grows beyond another."""
    return [
        2.3 - 1.5 / (1 + (fastest / rate) ** 3) + 0.2 * max(0.0, math.log10(rate / least)) ** 2 * 5
        for rate in rates
    ]


@pytest.mark.parametrize(("fastest", "least"), [(1e-3, 3e-2), (0.1, 1.0), (3e-5, 1e-3)])
def test_the_suggestion_lies_between_fastest_fall_and_least_loss(fastest: float, least: float) -> None:
    rates = [1e-6 * 10 ** (7 * step / 199) for step in range(200)]
    found = read_rate_test(rates, make_losses(rates, fastest, least), broke_down=True)
    assert found.suggestion is not None
    assert found.steepest == pytest.approx(fastest, rel=0.5)
    assert found.lowest is not None
    assert found.steepest / 1.3 <= found.suggestion <= 1.3 * found.lowest / 3


def test_noise_alone_gives_no_suggestion() -> None:
    import random

    draw = random.Random(0)
    rates = [1e-6 * 10 ** (7 * step / 199) for step in range(200)]
    for _ in range(50):
        losses = [2.3 + draw.gauss(0, 0.1) for _ in rates]
        assert read_rate_test(rates, losses, broke_down=False).suggestion is None


def test_the_mean_lags_behind_in_no_direction() -> None:
    line = [float(step) for step in range(100)]
    assert smooth(line)[30:70] == pytest.approx(line[30:70])


@pytest.mark.thorough
def test_rates_of_real_trainings_are_near_those_recipes_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam on digits: 0.003 in the recipe. Neither validation nor test images are looked at."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a range test looked at images that judge")

    monkeypatch.setattr(EvaluationBatches, "__iter__", refuse)
    monkeypatch.setattr(LockedTest, "open", refuse)
    found = sweep_rates(load_recipe("digits", QUICK))
    assert found.suggestion is not None
    assert 5e-4 <= found.suggestion <= 2e-2
    again = sweep_rates(load_recipe("digits", QUICK))
    assert again == found
    assert found.rates[0] == pytest.approx(1e-6)
    assert all(later > earlier for earlier, later in zip(found.rates, found.rates[1:], strict=False))


def test_rates_too_small_to_learn_at_give_none() -> None:
    found = sweep_rates(load_recipe("digits", QUICK), low=1e-12, high=1e-10, num_steps=40)
    assert found.suggestion is None
    assert len(found.rates) == 40


@pytest.mark.parametrize(
    "settings", [{"low": 0.0}, {"low": 1.0, "high": 0.1}, {"num_steps": 5}, {"high": math.inf}]
)
def test_ends_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(LoupeError, match="from a small rate to a large one"):
        sweep_rates(load_recipe("digits", QUICK), **settings)  # type: ignore[arg-type]


def test_a_loss_that_is_infinite_from_the_start_is_said(tmp_path: Path) -> None:
    plugin = tmp_path / "endless.py"
    plugin.write_text(
        "from loupe import register_loss\n\n"
        '@register_loss("endless")\n'
        "def endless():\n"
        '    """Return a loss that is infinite."""\n'
        "    return lambda outputs, targets: outputs.sum(1) * 0 + float('inf')\n",
        encoding="utf-8",
    )
    changes = (*QUICK, "train.loss=endless", "train.label_smoothing=0")
    recipe = load_recipe("digits", changes, plugins=[str(plugin)])
    with pytest.raises(TrainingError, match="very first batch"):
        sweep_rates(recipe)


def test_the_command_draws_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["find-rate", "digits", *QUICK, "--steps", "80", "--json", "out/rates.json"]) == 0
    figures = json.loads((tmp_path / "out" / "rates.json").read_text(encoding="utf-8"))
    assert f"train.optimizer.learning_rate={figures['suggestion']:g}" in capsys.readouterr().out
    assert (tmp_path / "rate-digits.png").stat().st_size > 10_000
    assert not (tmp_path / "runs").exists()


@pytest.mark.thorough
def test_the_suggested_rate_trains_about_as_well_as_any(train: Train) -> None:
    suggestion = sweep_rates(load_recipe("digits", QUICK)).suggestion

    def judge(rate: float | None) -> float:
        longer = ("train.epochs=6", "data.fraction=1.0", f"train.optimizer.learning_rate={rate}")
        best = train(*QUICK, *longer, "evaluate.test=false").read_result().best
        assert best is not None
        return float(best.validation.accuracy)  # type: ignore[union-attr]

    others = [judge(rate) for rate in (1e-4, 1e-3, 1e-2, 1e-1)]
    assert judge(suggestion) >= max(others) - 0.03
