"""Losses as a recipe names them: the same digest however cross-entropy is said, and each one trained."""

import pytest

import loupe
from loupe.errors import RecipeError
from loupe.running import load_recipe
from loupe.running.plan import choose_objective
from loupe.running.recipe_digest import digest_recipe
from loupe.training import LOSSES
from loupe.training.losses.logit_adjusted import LogitAdjusted
from tests.quick_runs import StopAfter, Train, is_same_weights


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (["train.loss=cross-entropy"], []),
        (["train.label_smoothing=0", "train.loss=cross-entropy"], ["train.label_smoothing=0"]),
        (["train.loss={name='cross-entropy', label_smoothing=0.1}"], ["train.label_smoothing=0.1"]),
        (
            ["train.label_smoothing=0", "train.loss={name='focal', gamma=2.0}"],
            ["train.label_smoothing=0", "train.loss=focal"],
        ),
        (["train.loss={name='logit-adjusted', label_smoothing=0.1}"], ["train.loss=logit-adjusted"]),
    ],
)
def test_two_ways_to_say_the_same_have_one_digest(one: list[str], another: list[str]) -> None:
    assert digest_recipe(load_recipe("digits", one)) == digest_recipe(load_recipe("digits", another))


def test_another_loss_has_another_digest() -> None:
    plain = "train.label_smoothing=0"
    losses = [[], ["train.loss=focal"], ["train.loss={name='focal', gamma=1}"], ["train.loss=logit-adjusted"]]
    assert len({digest_recipe(load_recipe("digits", [plain, *loss])) for loss in losses}) == 4


def test_two_smoothings_at_once_are_a_mistake() -> None:
    with pytest.raises(RecipeError, match=r"train\.loss\.label_smoothing: got 0\.2; allowed: 0\.1, as train"):
        load_recipe("digits", ["train.loss={name='cross-entropy', label_smoothing=0.2}"])


def test_what_a_loss_asks_for_it_is_given() -> None:
    recipe = load_recipe("digits", ["train.loss={name='logit-adjusted', tau=0.5}"])
    objective = choose_objective(recipe, (3, 2, 1))
    assert objective.loss == LogitAdjusted((3, 2, 1), 0.1, tau=0.5)


@pytest.mark.thorough
@pytest.mark.parametrize("name", LOSSES.names())
def test_every_loss_trains_and_resumes_to_the_bit(train: Train, name: str) -> None:
    if LOSSES.facts(name)["objective"] == "reconstruction":
        changes = ["model={name='autoencoder', widths=[8]}", "data.normalize=unit", "data.augment=[]"]
        changes += ["model.width=none", "train.label_smoothing=0"]
    else:
        changes = ["train.label_smoothing=0", "data.mix=cutmix"]
    changes += ["train.epochs=4", f"train.loss={name}"]
    whole = train(*changes)
    losses = [record.train_loss for record in whole.read_history()]
    assert losses[-1] < losses[0]
    stopped = train(*changes, observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)
