"""A run in a notebook: it draws itself, into given axes too, and shows what it found."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

import loupe
from loupe.errors import LoupeError
from loupe.runs import RunFolder

pytestmark = pytest.mark.thorough

PLOTS = (
    "plot_curves", "plot_confusion", "plot_classes", "plot_calibration", "plot_filters", "plot_feature_maps",
    "plot_mistakes", "plot_exciting_images",
)  # fmt: skip


@pytest.fixture
def run(reported: RunFolder) -> loupe.Run:
    found = loupe.load_run(reported)
    assert isinstance(found, loupe.Run)
    return found


@pytest.mark.parametrize("name", PLOTS)
def test_each_plot_gives_a_figure_and_draws_into_given_axes(run: loupe.Run, name: str) -> None:
    figure = getattr(run, name)()
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG"), "a notebook shows it"  # type: ignore[attr-defined]
    mine = Figure()
    axes = mine.add_subplot(1, 2, 1)
    assert getattr(run, name)(ax=axes) is mine
    assert axes.lines or axes.images
    assert len(run.read_openings()) == 1


def test_what_cannot_be_drawn_is_said(run: loupe.Run) -> None:
    with pytest.raises(LoupeError, match=r"allowed: loss, accuracy, gap, learning-rate"):
        run.plot_curves("los")
    with pytest.raises(LoupeError, match=r"has no filters to draw\.\n  got: conv9|There is no layer"):
        run.plot_filters("conv9")


def test_a_run_a_result_and_a_recipe_show_themselves(run: loupe.Run) -> None:
    result = run.require_result()
    assert result.best is not None
    assert result.best.validation.headline.write() in run._repr_html_()
    assert result.best.validation.headline.write() in result._repr_html_()
    assert "conv_layers = 4" in run.read_recipe()._repr_html_()
    assert "<script" not in loupe.load_recipe({"about": "<script>"})._repr_html_()


def test_tables_are_frames(run: loupe.Run) -> None:
    pandas = pytest.importorskip("pandas")
    history = run.to_frame()
    assert isinstance(history, pandas.DataFrame)
    assert list(history["epoch"]) == [record.epoch for record in run.read_history()]
    classes = run.table("classes").to_frame()
    assert classes["recall (%)"].between(classes["recall (%) low"], classes["recall (%) high"]).all()


def test_a_path_or_a_run_is_taken_wherever_a_run_is(
    run: loupe.Run, reported: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(reported.path.parent.parent)
    name = reported.path.name
    for place in (run, str(run.path), f"runs/{name}", name, reported.path):
        _, description = loupe.load_model(place)
        assert description["model"]["name"] == "cnn"
        assert loupe.open_classifier(place).class_names == tuple("0123456789")
    assert loupe.evaluate_run(run, looks=[]).metrics
    assert loupe.resume(run).path.samefile(run.path)
    assert loupe.load_run(f"runs/{name}").path.samefile(run.path)


def test_the_verbs_that_look_are_functions(run: loupe.Run, tmp_path: Path) -> None:
    shown = loupe.show("digits", "model.width=1")
    assert "width = 1" in str(shown)
    assert "conv1" in shown._repr_html_()
    page = loupe.inspect(run, index=3, layers=["conv1"], out=tmp_path)
    assert page.path.parent.name == "validation-3", "another image's figures stay"
    assert "<iframe srcdoc=" in page._repr_html_()


@pytest.mark.thorough
def test_runs_are_compared_and_a_series_draws_its_seeds(run: loupe.Run, tmp_path: Path) -> None:
    quick = ("train.epochs=2", "model.width=1", "data.fraction=0.3", "evaluate.look_inside=false")
    series = loupe.train("digits", *quick, "run.seeds=[0, 1]", f"run.folder={tmp_path / 'runs'}")
    assert isinstance(series, loupe.Series)
    assert len(series.plot_curves().axes[0].lines) == 2
    assert "2 runs" in series._repr_html_()
    assert set(series.to_frame()["seed"]) == {0, 1}
    compared = loupe.compare(run, series.runs[0])
    assert len(compared.results.rows) == 2
    assert compared.page.path.is_file()
    assert "Comparison of" in compared._repr_html_()


@pytest.mark.thorough
def test_a_study_shows_its_answer(tmp_path: Path) -> None:
    from tests.studies.conftest import SMALL

    found = loupe.run_study(
        SMALL | {"arms": {"a": {}, "b": {"model": {"widths": [8]}}}}, tmp_path, engine="serial"
    )
    again = loupe.open_study(tmp_path / "small")
    assert found.answer == again.answer
    assert "Does it help?" in again._repr_html_()
    assert len(again.to_frame()) == 2
    assert isinstance(again.plot(), Figure)


def test_places_are_taken_as_text_and_one_layer_by_its_name(run: loupe.Run, tmp_path: Path) -> None:
    page = loupe.inspect(run, class_name="3", layers="relu1", out=str(tmp_path / "inside"))
    assert page.path.is_relative_to(tmp_path / "inside")
    assert "relu1" in page.path.read_text(encoding="utf-8")
