"""How much each setting had to do with whether a trial was a good one."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from loupe.searches.outcome import Share
from loupe.wording import count_of

_FEWEST_TRIALS = 15
_TOP = 0.25  # of the trials count as good
_LEFT_OUT = 0.2  # of the trials, again and again, to see how firm the shares are
_REPEATS = 20


def measure_importance(study: optuna.Study) -> tuple[dict[str, Share], str]:
    """Return the share of each parameter, largest first, and how it is to be read or why there is none.

    PED-ANOVA (Watanabe et al., 2023) compares where the best quarter of the trials lies with where all of
    them lie; a parameter that applies only under a condition counts where it applies. Trials given up early
    count with what they had reached: they were worse than others by then.
    """
    trials = [_complete(trial, study) for trial in study.get_trials(deepcopy=False) if _has_score(trial)]
    if len(trials) < _FEWEST_TRIALS:
        count = count_of(len(trials), "trial")
        return {}, f"What mattered cannot be said after {count}; it takes {_FEWEST_TRIALS} at least."
    if len({trial.value for trial in trials}) == 1:
        return {}, "Every trial has the same score: nothing mattered, as far as these go."
    if len({name for trial in trials for name in trial.params}) == 1:
        return {}, "One parameter was searched; there is nothing to weigh it against."
    shares, draw = _measure(study, trials), np.random.default_rng(0)
    ranges: dict[str, list[float]] = {name: [share] for name, share in shares.items()}
    for _ in range(_REPEATS):
        kept = draw.random(len(trials)) >= _LEFT_OUT
        part = [trial for trial, is_kept in zip(trials, kept, strict=True) if is_kept]
        if len({trial.value for trial in part}) > 1:
            for name, share in _measure(study, part).items():
                ranges[name].append(share)
    return (
        {
            name: Share(share, min(ranges[name]), max(ranges[name]))
            for name, share in sorted(shares.items(), key=lambda item: -item[1])
        },
        f"Importance: how much closer together the best quarter of {len(trials)} trials lies than all "
        "of them (PED-ANOVA); lines reach from the least to the most that comes out with a fifth of the "
        "trials left out at random. A setting that only has to stay clear of ruin gets a small share.",
    )


def _has_score(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE or (
        trial.state == TrialState.PRUNED and bool(trial.intermediate_values)
    )


def _complete(trial: FrozenTrial, study: optuna.Study) -> FrozenTrial:
    """Return a trial as a finished one, with its score or the best it had reached."""
    choose = max if study.direction == optuna.study.StudyDirection.MAXIMIZE else min
    value = trial.value if trial.state == TrialState.COMPLETE else choose(trial.intermediate_values.values())
    return optuna.trial.create_trial(params=trial.params, distributions=trial.distributions, value=value)


def _measure(study: optuna.Study, trials: Sequence[FrozenTrial]) -> dict[str, float]:
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # brings scikit-learn

    copy = optuna.create_study(direction=study.direction)
    copy.add_trials(trials)
    names = sorted({name for trial in trials for name in trial.params})
    evaluator = PedAnovaImportanceEvaluator(target_quantile=_TOP)
    return get_param_importances(copy, evaluator=evaluator, params=names)
