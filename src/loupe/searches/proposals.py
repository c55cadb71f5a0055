"""What a search tries next: chosen by optuna's samplers, never the same twice, and away from what failed."""

import hashlib
import json
from collections.abc import Sequence
from copy import copy

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from loupe.searches import Search
from loupe.searches.space import Settings, list_whole_space, suggest_settings

_RANDOM_FIRST = 10  # trials that TPE draws at random before it learns; optuna's own number
_MOST_DRAWS = 20  # by the search's own sampler
_MOST_RANDOM_DRAWS = 500  # after those, from a space too large to be listed


def propose_settings(search: Search, study: optuna.Study, number: int) -> Settings | None:
    """Return settings that no trial has had; None if there are none left.

    They depend on the search's seed, the trial's number and the trials so far, and on nothing else. What
    failed tells TPE where not to go: optuna leaves failed trials out of account, so that it would propose a
    width that the network refuses again and again.

    Args:
        study: holds the trials so far; it stays as it is.
        number: of the trial that is to have the settings.
    """
    trials = [one for one in study.get_trials(deepcopy=False) if one.state != TrialState.WAITING]
    tried = {name_settings(one.params) for one in trials}
    for draw in range(_MOST_DRAWS):
        settings = _draw(search, study, trials, number, draw)
        if name_settings(settings) not in tried:
            return settings
    whole = list_whole_space(search)
    if whole is not None:
        left = [one for one in whole if name_settings(one) not in tried]
        return min(left, key=lambda one: draw_rank(search, one), default=None)
    at_random = search.model_copy(update={"sampler": "random"})
    for draw in range(_MOST_DRAWS, _MOST_DRAWS + _MOST_RANDOM_DRAWS):
        settings = _draw(at_random, study, (), number, draw)
        if name_settings(settings) not in tried:
            return settings
    return None


def _draw(
    search: Search, study: optuna.Study, trials: Sequence[FrozenTrial], number: int, draw: int
) -> Settings:
    """Return the settings that the sampler proposes in a study of its own, in which nothing is kept."""
    trial_study = optuna.create_study(direction=study.direction)
    trial_study.add_trials(_tell_failures(trials))
    trial_study.sampler = build_sampler(search, number, draw)
    trial = trial_study.ask()
    trial_study.sampler = build_sampler(search, number, draw)  # what is suggested has a stream from its start
    return suggest_settings(search, trial)


def _tell_failures(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials with each failed one as given up before its first epoch: the worst that TPE knows.

    Until there are trials enough to learn from they stay out of account, or the least bad failure would
    count as good.
    """
    num_judged = sum(one.state in (TrialState.COMPLETE, TrialState.PRUNED) for one in trials)
    if num_judged < _RANDOM_FIRST:
        return list(trials)
    return [_as_given_up(one) if one.state == TrialState.FAIL else one for one in trials]


def _as_given_up(trial: FrozenTrial) -> FrozenTrial:
    told = copy(trial)
    told.state, told.value, told.intermediate_values = TrialState.PRUNED, None, {}
    return told


def build_sampler(search: Search, number: int, draw: int = 0) -> BaseSampler:
    """Return what chooses the settings of a trial.

    Args:
        number: of the trial; each draws from a stream of its own.
        draw: how often its settings were drawn already.
    """
    text = f"{search.seed} {number}" + (f" {draw}" if draw else "")
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
    if search.sampler != "tpe":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, n_startup_trials=_RANDOM_FIRST)


def draw_rank(search: Search, settings: Settings) -> bytes:
    """Return by what settings are put into an order that the search's seed draws."""
    return hashlib.sha256(f"{search.seed} {json.dumps(settings, sort_keys=True)}".encode()).digest()


def name_settings(settings: Settings) -> str:
    """Return settings as a text that is the same for the same settings: numbers up to rounding."""
    rounded = {
        name: float(f"{value:.12g}") if isinstance(value, int | float) else value
        for name, value in settings.items()
    }
    return json.dumps(rounded, sort_keys=True)
