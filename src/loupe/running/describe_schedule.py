"""`loupe show --plot`: a recipe's learning rate over its training, drawn before anything is trained."""

from pathlib import Path

from loupe.figures.schedule import draw_schedule
from loupe.figures.style import save_figure
from loupe.recipe import Recipe
from loupe.training import SCHEDULES, build_schedule

_MOST_POINTS = 5_000
_STEPS_PER_EPOCH = 100  # how finely an epoch is drawn; how many it really has depends on the data


def plot_schedule(recipe: Recipe, folder: Path = Path()) -> Path:
    """Draw the learning rate of each step, and the momentum if it moves; return the picture's path."""
    choice, num_epochs = recipe.train.schedule, recipe.train.epochs
    steps_per_epoch = max(1, min(_STEPS_PER_EPOCH, _MOST_POINTS // num_epochs))
    schedule = build_schedule(
        choice.name,
        num_epochs=num_epochs,
        steps_per_epoch=steps_per_epoch,
        warmup_epochs=recipe.train.warmup_epochs,
        **choice.settings,
    )
    num_steps = num_epochs * steps_per_epoch
    steps = range(0, num_steps, max(1, num_steps // _MOST_POINTS))
    follows_losses = SCHEDULES.facts(choice.name).get("follows_losses", False)
    # for those that look at it, as if the validation loss never fell after the first epoch
    paces = [schedule(step, [1.0] * (step // steps_per_epoch) if follows_losses else []) for step in steps]
    rate = recipe.train.optimizer.settings["learning_rate"]
    title = f"{recipe.name}: {choice.name}"
    if follows_losses:
        title += ", if the validation loss never fell after the first epoch"
    figure = draw_schedule(
        [step / steps_per_epoch for step in steps],
        [rate * step_settings.factor for step_settings in paces],
        [step_settings.momentum for step_settings in paces],
        title,
    )
    path = folder / f"schedule-{recipe.name}.png"
    save_figure(figure, path)
    return path
