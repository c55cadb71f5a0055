from pathlib import Path
from typing import Any

import pytest

from loupe.studies.keys import Keys
from loupe.studies.loading import load_study
from loupe.studies.plan import make_plan
from loupe.studies.run import prepare_study
from loupe.version import NUMBERS_VERSION

from ..conftest import needs_official_data
from .conftest import SMALL, make_study

DOCS = Path(__file__).parents[2] / "docs"


def key_of(**changes: Any) -> str:
    (run, *_) = make_plan(make_study(**changes)).runs
    return Keys().of(run)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"set": {**SMALL["set"], "about": "other words", "evaluate": {"look_inside": True}}},
        {"set": {**SMALL["set"], "run": {"tensorboard": True}}},
        {"arms": {"another name": {}}},
        {"seeds": [0, 7]},
    ],
)
def test_a_key_does_not_depend_on_names_and_places(changes: dict[str, Any]) -> None:
    assert key_of(**changes) == key_of()


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [1]},
        {"threads": 2},
        {"arms": {"recipe": {"train": {"epochs": 3}}}},
        {"arms": {"recipe": {"data": {"fraction": 0.4}}}},
        {"arms": {"recipe": {"train": {"optimizer": {"learning_rate": 0.123}}}}},
    ],
)
def test_a_key_depends_on_what_determines_the_numbers(changes: dict[str, Any]) -> None:
    assert key_of(**changes) != key_of()


def test_a_key_depends_on_the_run_its_weights_start_from() -> None:
    def warm(epochs: int) -> str:
        stages = {"first": {"recipe": "digits", "set": {**SMALL["set"], "train": {"epochs": epochs}}}}
        plan = make_plan(make_study(stages=stages, arms={"warm": {"transfer": "first"}}, seeds=[0]))
        return Keys().of(plan.runs[-1])

    assert warm(1) == warm(1)
    assert warm(1) != warm(2)


def test_a_key_depends_on_the_version_of_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of()
    monkeypatch.setattr("loupe.studies.keys.NUMBERS_VERSION", NUMBERS_VERSION + 1)
    assert key_of() != before


def test_what_is_at_its_default_is_no_part_of_a_key() -> None:
    """A field or setting that a later version adds must not part a study from its finished runs."""
    bare = key_of(recipe="digits", set={"model": "mlp"}, seeds=[0])
    written_out = {
        "model": {"name": "mlp", "widths": [128, 64, 32]},
        "train": {"warmup_epochs": 0.0, "channels_last": False},
        "data": {"normalize": "measured"},
    }
    assert key_of(recipe="digits", set=written_out, seeds=[0]) == bare
    other = {**written_out, "model": {"name": "mlp", "widths": [128, 64, 33]}}
    assert key_of(recipe="digits", set=other, seeds=[0]) != bare


def test_runs_trained_together_have_keys_of_their_own() -> None:
    run = make_plan(make_study()).runs[0]
    assert Keys("together").of(run) == f"{Keys().of(run)}-together"
    assert Keys("processes").of(run) == Keys("serial").of(run) == Keys().of(run)


RESULTS = sorted(
    [*(DOCS / "answers").glob("*.csv"), *(DOCS / "reproduction").glob("*/*.csv")], key=lambda file: file.name
)


@needs_official_data
@pytest.mark.thorough
@pytest.mark.parametrize("results", RESULTS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_published_results_are_those_of_the_studies_as_they_are(results: Path, tmp_path: Path) -> None:
    """A recipe that is changed changes its runs: what docs call its results would be trained anew."""
    known = prepare_study(load_study(results.stem), tmp_path, known=results, engine="serial").known
    assert known is not None
    assert known.num_finished == known.num_fitting
