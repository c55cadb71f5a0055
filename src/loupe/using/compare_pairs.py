"""Each run of a comparison set against the first, by the looks at two networks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loupe.data import ImageDataset
from loupe.errors import LoupeError
from loupe.evaluations import Gallery, LookedAt, Looks, Network, Subject, carry_out, choose_evaluations
from loupe.metrics import Metrics, Predictions, choose_metrics
from loupe.reports.common_images import find_common_images
from loupe.reports.compared_run import ComparedRun, find_shared, list_single
from loupe.runs.metric_values import Split
from loupe.using.evaluation_setup import choose_paired, open_asked
from loupe.using.opened_run import open_run

_MOST_PAIRS = 4
_SPLITS: tuple[Split, ...] = ("test", "validation")


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two runs, and their networks if these could be opened."""

    first: ComparedRun
    second: ComparedRun
    networks: tuple[Network, Network] | None


def compare_pairs(
    runs: Sequence[ComparedRun], images: ImageDataset | None, margin: float, data: Path | None = None
) -> Looks:
    """Return what looks at two networks find of the first run and each other one, four at most; of no series.

    Answers are those on record, of test images where both runs opened these: none is looked at again. Only
    the networks' layers are compared on images, those of validation, where these are shared and at hand.

    Args:
        runs: two or more that name classes.
        images: the validation images they share; None if they do not.
        margin: points of accuracy that would not matter.
        data: where the images lie now; where they were if left out.
    """
    networks: dict[str, Network] = {}
    found = Looks()
    single = list_single(runs)
    for other in single[1 : _MOST_PAIRS + 1]:
        opened = _open_both(single[0], other, networks, data) if images is not None else None
        pair = _Pair(single[0], other, opened)
        on_test, on_validation = (_compare_on(split, pair, images, margin).looks for split in _SPLITS)
        if on_test:  # what needs answers alone is told once, of the images that selected nothing
            on_validation = tuple(one for one in on_validation if one.name == "layer_similarity")
        found = Looks((*found.looks, *on_test, *on_validation))
    return found


def _open_both(
    first: ComparedRun, second: ComparedRun, known: dict[str, Network], data: Path | None
) -> tuple[Network, Network] | None:
    """Return the networks of two runs; None where one cannot be opened, as when its plugin is gone."""
    try:
        for run in (first, second):
            place = str(run.path)
            known[place] = known.get(place) or open_asked(open_run(run.folders[0], data=data))
    except LoupeError:
        return None
    return known[str(first.path)], known[str(second.path)]


def _compare_on(split: Split, pair: _Pair, images: ImageDataset | None, margin: float) -> Looks:
    answers = _find_answers(split, pair)
    names = next((one.class_names for one in pair.first.scores(split) if isinstance(one, Metrics)), ())
    if answers is None or not names:
        return Looks()
    is_shown = split == "validation" and pair.networks is not None
    recipe = pair.first.recipe
    asked = [*recipe.evaluate.metrics, *pair.second.recipe.evaluate.metrics]
    subject = Subject(
        "classification",
        tuple(names),
        (LookedAt(split, answers[0], images if is_shown else None, is_locked=split == "test"),),
        level=recipe.evaluate.confidence,
        seed=recipe.split_seed,
        network=pair.networks[0] if is_shown and pair.networks else None,
        metrics=tuple(choose_metrics(asked)),
        against=answers[1],
        against_network=pair.networks[1] if is_shown and pair.networks else None,
        names=(pair.first.name, pair.second.name),
    )
    chosen = choose_evaluations(choose_paired("classification", margin), "classification")
    chapter = f"{pair.first.name} and {pair.second.name}"
    return Looks(
        tuple(
            # images that flip have a place of their own on the page
            replace(
                look,
                chapter=chapter,
                blocks=tuple(one for one in look.blocks if not isinstance(one, Gallery)),
            )
            for look in carry_out(chosen, subject).looks
        )
    )


def _find_answers(split: Split, pair: _Pair) -> tuple[Predictions, Predictions] | None:
    """Return what both say of the images of a split that both hold out; None where there are none."""
    both = (pair.first, pair.second)
    if find_shared(both, split):
        common = find_common_images(both, split) if all(run.scores(split) for run in both) else None
        return (common.predictions[0], common.predictions[1]) if common is not None else None
    first, second = (run.folders[0].read_predictions()[split] for run in both)
    return first, second
