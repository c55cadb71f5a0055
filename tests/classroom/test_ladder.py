"""A leaderboard that cannot be fitted to: guessing climbs on exact scores, and not on the Ladder."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from loupe.classroom.ladder import Ladder, choose_step
from loupe.metrics import describe_metric

ACCURACY = describe_metric("accuracy", "classification")
LOSS = describe_metric("loss", "classification")
NUM_IMAGES, NUM_CLASSES, NUM_TRIES = 400, 2, 400


def attack(is_exact: bool) -> tuple[float, float]:
    """Guess labels at random again and again, vote by what the board shows, and hand the vote in.

    The attack of Blum and Hardt (2015). Returns what the board shows at the end, and how right the vote is.
    """
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(NUM_CLASSES, (NUM_IMAGES,), generator=generator)
    ladder = Ladder(ACCURACY, 1e-9 if is_exact else choose_step(ACCURACY, NUM_IMAGES))
    guesses = torch.randint(NUM_CLASSES, (NUM_TRIES, NUM_IMAGES), generator=generator)
    votes = torch.zeros(NUM_IMAGES)
    for index, guess in enumerate(guesses):
        score = float((guess == labels).double().mean())
        name = f"guesser {index}" if is_exact else "guesser"
        ladder.climb(name, score)
        seen = ladder.shown(name)
        if is_exact:  # a board that shows every score as it is
            votes += torch.where(guess == 1, 1.0, -1.0) * (1 if seen > 0.5 else -1)
        else:
            votes += torch.where(guess == 1, 1.0, -1.0) * (1 if ladder.shown(name) > 0.5 else -1)
    final = float(((votes > 0).long() == labels).double().mean())
    ladder.climb("guesser", final)
    return ladder.shown("guesser"), final


def test_guessing_climbs_on_exact_scores() -> None:
    shown, final = attack(is_exact=True)
    assert final > 0.75, "the attack is a real one"
    assert shown > 0.75


def test_guessing_does_not_climb_the_ladder() -> None:
    shown, final = attack(is_exact=False)
    assert shown <= 0.5 + choose_step(ACCURACY, NUM_IMAGES)
    assert final < 0.6, "and what it shows is of no use to whoever votes by it"


def test_a_rung_moves_only_when_better_by_more_than_a_step() -> None:
    ladder = Ladder(ACCURACY, 0.05)
    assert ladder.climb("anna", 0.91)
    assert ladder.shown("anna") == 0.9
    assert not ladder.climb("anna", 0.949)
    assert not ladder.climb("anna", 0.2)
    assert ladder.climb("anna", 0.96)
    assert round(ladder.shown("anna"), 6) == 0.95


def test_lower_is_better_goes_down_the_ladder() -> None:
    ladder = Ladder(LOSS, 0.1)
    ladder.climb("anna", 0.52)
    assert round(ladder.shown("anna"), 6) == 0.6
    ladder.climb("anna", 0.34)
    ladder.climb("bo", 0.45)
    assert round(ladder.shown("anna"), 6) == 0.4
    assert [name for name, _ in ladder.order()] == ["anna", "bo"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([0.01, 0.02, 0.05, 0.1]))
def test_what_is_shown_is_never_better_than_the_best_score_nor_more_than_a_step_or_two_off(
    scores: list[float], step: float
) -> None:
    ladder = Ladder(ACCURACY, step)
    shown = []
    for score in scores:
        ladder.climb("anna", score)
        shown.append(ladder.shown("anna"))
    assert shown == sorted(shown)
    assert shown[-1] <= max(scores) + 1e-8
    assert shown[-1] >= max(scores) - 2 * step - 1e-8


@given(st.integers(10, 100_000))
def test_the_step_is_as_wide_as_chance_for_any_number_of_images(num_images: int) -> None:
    step = choose_step(ACCURACY, num_images)
    assert num_images**-0.5 <= step + 1e-12
    assert step < num_images**-0.5 + 0.0051
