"""Whether the loss a recipe names fits the rest of it: asked before data is loaded."""

from collections.abc import Mapping
from typing import Any

import torch

from loupe.checking import write_value
from loupe.errors import LoupeError, Mistake
from loupe.models import MODELS, objective_of
from loupe.recipe import Recipe
from loupe.running.plan import choose_objective
from loupe.training import LOSSES
from loupe.training.losses import DEFAULT_LOSSES, average

_SMOOTHING = "label_smoothing"


def move_label_smoothing(mapping: dict[str, Any]) -> list[Mistake]:
    """Write `train.loss.label_smoothing` as `train.label_smoothing`; return a mistake if they differ.

    They are two names of one setting, so that a recipe has one digest however it says it. The mapping is
    changed in place.
    """
    train = mapping.get("train")
    loss = train.get("loss") if isinstance(train, dict) else None
    if not isinstance(train, dict) or not isinstance(loss, Mapping) or _SMOOTHING not in loss:
        return []
    if loss.get("name") not in LOSSES or not LOSSES.asks_for(loss["name"], _SMOOTHING):
        return []
    wanted = loss[_SMOOTHING]
    stated = train.setdefault(_SMOOTHING, wanted)
    train["loss"] = {name: value for name, value in loss.items() if name != _SMOOTHING}
    if stated == wanted:
        return []
    return [Mistake(f"train.loss.{_SMOOTHING}", repr(wanted), f"{stated!r}, as train.{_SMOOTHING} says")]


def find_loss_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return what of a recipe its loss cannot be used with: another objective, mixed images, smoothing."""
    data, model, train = (mapping.get(section, {}) for section in ("data", "model", "train"))
    model = model.get("name", Recipe().model.name) if isinstance(model, Mapping) else model
    loss = train.get("loss") if isinstance(train, Mapping) else None
    name = loss.get("name") if isinstance(loss, Mapping) else loss
    if not isinstance(name, str) or name not in LOSSES or model not in MODELS:
        return []  # no loss, or a mistake of form or name, reported there
    facts, objective, mistakes = LOSSES.facts(name), objective_of(model), []
    if facts["objective"] != objective:
        allowed = ", ".join(one for one in LOSSES if LOSSES.facts(one)["objective"] == objective)
        mistakes.append(Mistake("train.loss", repr(name), f"{allowed}: for {objective}, as {model} is"))
        return mistakes
    mix = data.get("mix") if isinstance(data, Mapping) else None
    if mix is not None and not facts["takes_mixed_labels"]:
        mix = mix.get("name") if isinstance(mix, Mapping) else mix
        allowed = f"nothing: the loss {name} takes no labels of mixed images"
        mistakes.append(Mistake("data.mix", write_value(mix), allowed))
    smoothing = train.get(_SMOOTHING, 0.0)
    if smoothing and not LOSSES.asks_for(name, _SMOOTHING):
        smooth = ", ".join(one for one in LOSSES if LOSSES.asks_for(one, _SMOOTHING))
        allowed = f"0: the loss {name} smooths no labels, as {smooth} do"
        mistakes.append(Mistake(f"train.{_SMOOTHING}", repr(smoothing), allowed))
    return mistakes


def refuse_failing_loss(recipe: Recipe, num_classes: int) -> None:
    """Try a loss that a recipe names on a few numbers: a user's own can fail in any way.

    Raises:
        LoupeError: it fails, or returns something that cannot be minimised.
    """
    if recipe.train.loss is None or recipe.train.loss.name in DEFAULT_LOSSES.values():  # these are known
        return
    is_classifier = objective_of(recipe.model.name) == "classification"
    outputs = torch.linspace(-1, 1, 3 * num_classes).view(3, num_classes).requires_grad_()
    targets = torch.arange(3) % num_classes if is_classifier else torch.zeros(3, num_classes)
    if is_classifier and recipe.data.mix is not None:
        targets = torch.full((3, num_classes), 1 / num_classes)
    try:
        loss: Any = getattr(choose_objective(recipe, (1,) * num_classes), "loss")  # noqa: B009  # of any objective
        losses = loss(outputs, targets)
        if losses.shape not in ((), (3,)):
            raise ValueError(f"a loss of shape {tuple(losses.shape)}")
        average(losses).backward()
    except LoupeError:
        raise
    except Exception as error:
        raise LoupeError(
            f"The loss {recipe.train.loss.name!r} fails on three images of {num_classes} classes.",
            got=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
            allowed="the mean loss, a scalar, or each image's, (batch,), with a gradient for the outputs",
            next_step="mend the loss, or name another: `loupe losses` lists them",
        ) from None
