"""A series of seeds as one network: evaluated, exported, and what is refused."""

from pathlib import Path

import onnxruntime
import pytest
import torch

import loupe
from loupe.errors import LoupeError, RunError
from loupe.running.training_setup import load_validation_images
from loupe.runs.scaling import read_scaling
from loupe.runs.series_folder import SeriesFolder
from loupe.using.calibrate_run import calibrate_run
from loupe.using.evaluate_run import evaluate_run
from loupe.using.evaluate_series import _find_validation_answers
from loupe.using.export_run import export_run
from loupe.using.opened_series import open_series
from tests.quick_runs import QUICK


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> SeriesFolder:
    place = f"run.folder={tmp_path_factory.mktemp('runs')}"
    found = loupe.train(
        "digits", *QUICK, place, "name=three", "run.seeds=[0,1,2]", "data.split_seed=0", "train.epochs=3"
    )
    assert isinstance(found, SeriesFolder)
    return found


def average_stored(series: SeriesFolder, split: str) -> torch.Tensor:
    said = [run.read_predictions()[split].probabilities for run in series.runs.values()]
    return torch.stack(said).mean(0)


def test_the_mean_of_the_seeds_is_evaluated(series: SeriesFolder) -> None:
    found = evaluate_run(series.path, looks=["calibration"])
    labels = next(iter(series.runs.values())).read_predictions()["validation"].labels
    wanted = float((average_stored(series, "validation").argmax(1) == labels).double().mean())
    assert found.metrics[0].value == pytest.approx(wanted)
    assert [one.name for one in found.looks.looks] == ["ensemble", "calibration"]
    assert not any(one.failure for one in found.looks.looks)
    ensemble = found.looks.looks[0]
    assert ensemble.values[0].value == pytest.approx(wanted)
    assert [row[0] for row in ensemble.blocks[2].rows] == ["seed 0", "seed 1", "seed 2"]  # type: ignore[union-attr]


def test_every_default_look_takes_a_series(series: SeriesFolder) -> None:
    found = evaluate_run(series.path)
    assert len(found.looks.looks) > 8
    assert not [(one.name, one.failure) for one in found.looks.looks if one.failure]


def test_a_look_at_test_images_is_counted_for_every_seed(series: SeriesFolder) -> None:
    before = [len(run.read_openings()) for run in series.runs.values()]
    found = evaluate_run(series.path, looks=[], on_test=True)
    assert [len(run.read_openings()) for run in series.runs.values()] == [one + 1 for one in before]
    labels = next(iter(series.runs.values())).read_predictions()["test"].labels
    wanted = float((average_stored(series, "test").argmax(1) == labels).double().mean())
    assert found.metrics[0].value == pytest.approx(wanted)


@pytest.mark.thorough
def test_the_exported_file_gives_the_mean(series: SeriesFolder, tmp_path: Path) -> None:
    written = export_run(series.path, out=tmp_path)
    assert written.file is not None
    images = load_validation_images(next(iter(series.runs.values()))).pixels.numpy()
    session = onnxruntime.InferenceSession(written.file)
    _, said = session.run(None, {session.get_inputs()[0].name: images})
    assert torch.allclose(torch.from_numpy(said), average_stored(series, "validation"), atol=1e-4)
    card = written.card.read_text(encoding="utf-8")
    assert "It holds 3 networks of one recipe" in card
    labels = next(iter(series.runs.values())).read_predictions()["test"].labels
    accuracy = float((average_stored(series, "test").argmax(1) == labels).double().mean())
    assert f"- test: accuracy {100 * accuracy:.2f} %" in card


def test_seeds_that_hold_other_images_back_are_no_ensemble_there(
    series: SeriesFolder, tmp_path: Path
) -> None:
    apart = loupe.train(
        "digits", *QUICK, f"run.folder={tmp_path}", "run.seeds=[0,3]", "train.epochs=1", "name=apart"
    )
    if not SeriesFolder(apart.path).read_recipe().data.split_seed:
        with pytest.raises(RunError, match="do not share their validation images"):
            evaluate_run(apart.path)
        assert evaluate_run(apart.path, looks=[], on_test=True).looks.looks[0].name == "ensemble"
    with pytest.raises(LoupeError, match="cannot be compared with another network like that"):
        evaluate_run(series.path, against=apart.path)


def test_seeds_that_were_calibrated_are_said_and_what_is_fitted_is_fitted_to_the_same_mean(
    series: SeriesFolder,
) -> None:
    runs = list(series.runs.values())
    try:
        calibrate_run(runs[1].path, "temperature")
        found = evaluate_run(series.path, looks=["conformal_sets"], on_test=True)
        scaling = read_scaling(runs[1], 10)
        assert scaling is not None
        (told,) = [one for one in found.warnings if "calibrate" in one]
        assert told == (
            "the mean takes probabilities as `loupe calibrate` set them right of seed 1 "
            f"({scaling.describe()}), those of seed 0 and seed 2 are as the networks say them"
        )
        on_validation = evaluate_run(series.path, looks=[])
        assert on_validation.warnings[-1].endswith("which flatters")
        opened = open_series(series, "cpu")
        answers = _find_validation_answers(opened)
        assert answers is not None
        stored = [run.read_predictions()["validation"].probabilities for run in runs]
        stored[1] = scaling.apply_to(runs[1].read_predictions()["validation"]).probabilities
        torch.testing.assert_close(answers.probabilities, torch.stack(stored).mean(0), atol=1e-5, rtol=1e-4)
    finally:
        calibrate_run(runs[1].path, "none")
    assert not [one for one in evaluate_run(series.path, looks=[]).warnings if "calibrate" in one]


def test_two_series_are_told_to_set_one_run_against_another(series: SeriesFolder) -> None:
    first = next(iter(series.runs.values())).path
    with pytest.raises(LoupeError) as refused:
        evaluate_run(series.path, against=series.path)
    assert refused.value.next_step == f"loupe evaluate {first} --against {first}"
    with pytest.raises(RunError, match="cannot be set against itself"):
        evaluate_run(first, against=first)
