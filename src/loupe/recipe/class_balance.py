"""Fields of a recipe that say how much each class counts, and how often it is drawn. No torch here."""

import math
from collections.abc import Mapping
from typing import Literal, TypeGuard

from loupe.recipe.sections import read_choice_text

ClassWeights = str | dict[str, float]
Sampling = Literal["shuffled", "balanced"] | float

USUAL_BETA = 0.999
_WEIGHTS = '"none", "balanced", "effective:beta=B" with B in [0, 1), or a table of classes with numbers ≥ 0'
_SAMPLING = '"shuffled", "balanced", or a power in [0, 1]'


def check_class_weights(value: object) -> object:
    """Return class weights in one spelling, beta and numbers of a table as floats; others are refused."""
    if isinstance(value, Mapping):
        return {str(name): _check_weight(weight) for name, weight in value.items()}
    if value in ("none", "balanced"):
        return value
    beta = read_beta(value) if isinstance(value, str) else None
    if beta is not None:
        return f"effective:beta={beta:g}"
    raise ValueError(_WEIGHTS)


def read_beta(value: str) -> float | None:
    """Return the beta of "effective" or "effective:beta=0.99", in [0, 1); None of anything else."""
    name, settings = read_choice_text(value)
    beta = settings.pop("beta", USUAL_BETA)
    is_known = name == "effective" and not settings
    return float(beta) if is_known and _is_number(beta) and 0 <= beta < 1 else None


def check_sampling(value: object) -> object:
    """Return how classes are drawn in one spelling, powers 1 and 0 by their names; others are refused."""
    if value in ("shuffled", "balanced"):
        return value
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(_SAMPLING)
    return "shuffled" if value == 1 else "balanced" if value == 0 else value


def _check_weight(weight: object) -> float:
    if not _is_number(weight) or not math.isfinite(weight) or weight < 0:
        raise ValueError(_WEIGHTS)
    return float(weight)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
