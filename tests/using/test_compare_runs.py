"""Runs side by side: what the page holds, what it refuses, and what it says is not compared."""

import shutil
from pathlib import Path

import pytest

import loupe
from loupe.errors import RunError
from loupe.evaluations import compare_predictions
from loupe.runs import RunFolder
from loupe.using.compare_runs import compare_runs
from tests.quick_runs import QUICK, StopAfter, Train, forget_images

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Two runs that share their images, one that does not, a series, and one that names no class."""
    place = f"run.folder={tmp_path_factory.mktemp('runs')}"
    codes = {
        "name": "codes",
        "data": {"name": "digits", "normalize": "unit", "fraction": 0.3},
        "model": {"name": "autoencoder", "widths": [8, 4]},
        "train": {"epochs": 1},
    }
    return {
        "plain": loupe.train("digits", *QUICK, place, "name=plain"),
        "wider": loupe.train("digits", *QUICK, place, "name=wider", "model.width=2", "train.epochs=4"),
        "other": loupe.train("digits", *QUICK, place, "name=other", "run.seed=1", "evaluate.test=false"),
        "series": loupe.train("digits", *QUICK, place, "name=series", "run.seeds=[0,3]", "train.epochs=2"),
        "codes": loupe.train(codes, place),
    }


def compare(tmp_path: Path, *some: RunFolder) -> str:
    return compare_runs([run.path for run in some], tmp_path / "page.html").read_text(encoding="utf-8")


def test_two_runs_on_the_same_images(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    page = compare(tmp_path, runs["plain"], runs["wider"])
    paired = compare_predictions(
        *(runs[name].read_predictions()["validation"] for name in ("plain", "wider"))
    )
    names = [runs[name].path.name for name in ("plain", "wider")]
    for right, wrong, count in (
        (*names, len(paired.only_first)),
        (*reversed(names), len(paired.only_second)),
    ):
        assert f"Right in {right}, wrong in {wrong}: {count}" in page
    assert page.count('class="pic"') == min(24, len(paired.only_first)) + min(24, len(paired.only_second))
    assert page.count("<b>On ") == 2  # a sentence for validation, and one for test
    assert f'<td class="n">{paired.p_value:.2g}</td>' in page
    assert page.count('<figure class="chart"') == 2
    results = {name: runs[name].require_result() for name in ("plain", "wider")}
    assert results["plain"].multiply_adds < results["wider"].multiply_adds
    costs = page[page.index('id="cost"') : page.index('id="curves"')]
    assert f"{results['plain'].parameters:,}" in costs, "the smaller network is beaten by none"
    accuracy = {name: one.best.validation.accuracy for name, one in results.items() if one.best is not None}
    is_better = accuracy["wider"] > accuracy["plain"]
    assert (f"{results['wider'].parameters:,}" in costs) == is_better
    assert "By multiply-adds of an image, " in costs
    for field in ("name", "model.width", "train.epochs"):
        assert f"<code>{field}</code>" in page
    assert page.count("<tr><td><code>") == 3, "only what differs"
    assert [len(runs[name].read_openings()) for name in ("plain", "wider")] == [1, 1]


def test_what_is_not_shared_is_not_compared_and_the_page_says_why(
    runs: dict[str, RunFolder], tmp_path: Path
) -> None:
    page = compare(tmp_path, runs["plain"], runs["other"])
    assert "The validation images differ. Distinct ones: 200 in " in page
    assert "validation images that all of these runs hold out." in page
    assert "Not all of these runs opened the test set." in page
    assert 'class="pic"' not in page
    assert "<b>On test:" not in page
    earlier = RunFolder(Path(shutil.copytree(runs["other"].path, tmp_path / "earlier")))
    forget_images(earlier)
    page = compare(tmp_path, runs["plain"], earlier)
    plain = runs["plain"].path.name
    assert f"The validation images differ: those of {plain} are not those of earlier." in page
    assert "These runs do not share their validation images." in page
    assert "right and wrong on the same images" not in page
    assert "<b>On " not in page


def test_three_runs_have_three_pairs_with_adjusted_values(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    page = compare(tmp_path, runs["plain"], runs["wider"], RunFolder(runs["series"].path / "seed-0"))
    assert page.count("<b>On validation:</b>") == 3
    assert "p, for all pairs" in page
    assert f"{runs['series'].path.name}/seed-0" in page


def test_a_series_stands_with_mean_and_sd(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    page = compare(tmp_path, runs["plain"], runs["series"])
    assert ", 2 seeds</span>" in page
    assert "a series of seeds has several answers to an image; name one of its seeds" in page
    assert f"{runs['series'].path.name}, mean" in page


def test_a_series_takes_nothing_from_the_runs_beside_it(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    page = compare(tmp_path, runs["series"], runs["plain"], runs["wider"])
    name = runs["series"].path.name
    assert f"{name}: a series of seeds has several answers to an image; name one of its seeds" in page
    assert page.count("<b>On validation:</b>") == 1
    assert "No paired test" not in page
    assert f"Right in {runs['plain'].path.name}, wrong in {runs['wider'].path.name}" in page
    assert f"The training images differ: each seed of {name} has its own." in page
    named = f"{name}/seed-0."
    assert named in page, "the message says how a seed is named"


def test_networks_that_give_images_back_have_errors_side_by_side(
    runs: dict[str, RunFolder], tmp_path: Path
) -> None:
    again = loupe.train(runs["codes"].recipe_file, "train.epochs=2", f"run.folder={tmp_path / 'runs'}")
    page = compare(tmp_path, runs["codes"], again)
    assert "validation error" in page
    assert 'id="classes"' not in page
    assert page.count('<figure class="chart"') == 1


def test_data_that_is_gone_leaves_the_figures(
    runs: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(recipe: object) -> None:
        raise loupe.LoupeError("The folder is gone.")

    monkeypatch.setattr("loupe.running.recipe_data.load_recipe_data", fail)
    page = compare(tmp_path, runs["plain"], runs["wider"])
    assert "The images cannot be shown: The folder is gone." in page
    assert page.count("<b>On ") == 2


def test_what_cannot_be_compared_is_refused(runs: dict[str, RunFolder], tmp_path: Path) -> None:
    plain, codes = runs["plain"], runs["codes"]
    with pytest.raises(RunError) as caught:
        compare(tmp_path, plain)
    assert str(caught.value) == (
        f"A comparison needs two runs or more.\n  got: {plain.path}\n"
        "  allowed: two or more run folders, or names in runs/\n"
        "  next: loupe compare RUN RUN; `loupe list` shows the runs"
    )
    with pytest.raises(RunError, match="is named twice"):
        compare(tmp_path, plain, plain)
    with pytest.raises(RunError) as caught:
        compare(tmp_path, plain, codes)
    assert (
        caught.value.message == "Runs that name classes cannot be compared with runs that give images back."
    )
    assert caught.value.got == f"{plain.path.name}: classification, {codes.path.name}: reconstruction"
    assert not (tmp_path / "page.html").exists()


def test_a_run_without_a_result_is_refused(runs: dict[str, RunFolder], train: Train, tmp_path: Path) -> None:
    broken = train(observers=[StopAfter(1, KeyboardInterrupt())])
    broken.result_file.unlink()
    with pytest.raises(RunError, match=r"has no result to compare") as caught:
        compare(tmp_path, runs["plain"], broken)
    assert caught.value.next_step == f"loupe resume {broken.path}"
