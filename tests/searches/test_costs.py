"""What the trials of a search achieve against what they cost."""

from loupe.metrics import headline_of
from loupe.searches.costs import draw_search_costs
from loupe.searches.folder import SearchFolder, TrialRow
from loupe.searches.outcome import SearchOutcome, find_outcome

from .conftest import make_search


def make_trial(
    number: int, score: float | None, parameters: int | None, status: str = "finished"
) -> TrialRow:
    ends = (None, None) if score is None else (score - 0.02, score + 0.02)
    return TrialRow(number, status, score, 1, 2, 5.0, "", "", "", {}, *ends, parameters, None)  # type: ignore[arg-type]


def find(trials: list[TrialRow]) -> SearchOutcome:
    return find_outcome(make_search(), headline_of("classification"), trials, [], [], {}, "", 1.0)


def test_finished_trials_stand_with_their_intervals() -> None:
    trials = [make_trial(0, 0.90, 100), make_trial(1, 0.97, 900), make_trial(2, 0.95, 2_000)]
    trials += [make_trial(3, 0.99, 50, "pruned"), make_trial(4, None, None, "failed")]
    front = draw_search_costs(find(trials))
    assert front is not None
    (said,) = front.sentences
    assert said.startswith(
        "By parameters, trial 0 (90.00 % at 100) and trial 1 (97.00 % at 900) are not beaten"
    )
    assert "trial 3" not in said
    (axes,) = front.figure.axes
    assert {text.get_text() for text in axes.texts} >= {"trial 0", "trial 1"}


def test_rows_of_an_earlier_version_have_no_cost(tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = SearchFolder(tmp_path)
    folder.trials_file.write_text(
        "number,status,score,best_epoch,epochs,seconds,started,ended,reason\n0,finished,0.9,1,2,5,,,\n"
    )
    (row,) = folder.read_trials(lambda field, text: text)
    assert (row.score, row.parameters, row.multiply_adds, row.low) == (0.9, None, None, None)
    assert draw_search_costs(find([row])) is None
