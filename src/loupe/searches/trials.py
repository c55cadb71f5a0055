"""The trials of a search, kept by optuna in a journal that survives a kill at any moment."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.trial import FrozenTrial, TrialState

from loupe.errors import RunError
from loupe.recipe import read_recipe_file
from loupe.runs.reading import reading
from loupe.searches import Search
from loupe.searches.folder import SearchFolder
from loupe.searches.journal import ADVICE, open_journal
from loupe.searches.metric import metric_of
from loupe.searches.proposals import build_sampler, draw_rank, name_settings, propose_settings
from loupe.searches.space import Settings, count_trials, list_grid, suggest_settings
from loupe.version import NUMBERS_VERSION

ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
_REDUCTION = 3  # of successive halving: one in three goes on


class Trials:
    """Asks for settings, and remembers what became of them.

    The settings of a trial depend on the search's seed, the trial's number and the trials that had ended by
    then, not on the session: a search that was killed goes on as if it had not been.

    Args:
        search: what is searched.
        folder: holds the journal.
        num_epochs: of the recipe; pruners scale with it.

    `metric` is what is sought; `mended` says what was mended in the journal, "" if nothing was.

    Raises:
        RunError: the folder holds the trials of another search, or its journal is damaged.
    """

    def __init__(self, search: Search, folder: SearchFolder, num_epochs: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search, self._journal = search, folder.journal_file
        self.metric = metric_of(search, folder)
        storage, self.mended = open_journal(folder.journal_file)
        with reading(folder.journal_file, ADVICE):
            self._study = optuna.create_study(
                storage=storage,
                study_name=search.name,
                direction="maximize" if self.metric.is_higher_better else "minimize",
                pruner=build_pruner(search.pruner, num_epochs),
                load_if_exists=True,
            )
        self._refuse_other_search(folder)
        self._grid = order_grid(search) if search.sampler == "grid" else []
        self._most = count_trials(search)
        with reading(folder.journal_file, ADVICE):
            self._seconds_before = float(self._study.user_attrs.get("seconds", 0.0))
            if not 0 <= self._seconds_before < math.inf:
                raise ValueError(f"{self._seconds_before} seconds of search")
            for trial in self._study.get_trials(deepcopy=False):
                refuse_odd_trial(search, trial)

    def _refuse_other_search(self, folder: SearchFolder) -> None:
        identity, known = identify_search(self._search), self._study.user_attrs.get("identity")
        if known is None and not self._study.get_trials(deepcopy=False):
            self._study.set_user_attr("identity", identity)
        elif known != identity:
            raise RunError(
                f"{folder.path} holds the trials of another search.",
                got="another recipe, space, sampler, pruner, objective, seed or version of Loupe"
                if known is not None
                else "trials, and no line that says of which search",
                allowed="the search it was started with; trials, minutes, top and fresh_seeds may change",
                next_step=f"give this one another name (name=…), or remove {folder.path}",
            )

    @property
    def study(self) -> optuna.Study:
        return self._study

    @property
    def most(self) -> int | None:
        """How many trials there may be; None if only time says."""
        return self._most

    @property
    def all(self) -> list[FrozenTrial]:
        """Every trial that has its settings, in order."""
        return [
            trial for trial in self._study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING
        ]

    @property
    def num_ended(self) -> int:
        return sum(trial.state in ENDED for trial in self.all)

    @property
    def seconds_before(self) -> float:
        """How long earlier sessions searched."""
        return self._seconds_before

    def note_seconds(self, seconds: float) -> None:
        """Keep how long this session has searched, for the budget of the next one."""
        self._study.set_user_attr("seconds", self._seconds_before + seconds)

    def resume(self) -> list[tuple[optuna.Trial, Settings]]:
        """Return the trials that were under way when the last session ended, with their settings.

        Raises:
            RunError: one was asked for in another space.
        """
        with reading(self._journal, ADVICE):
            return [
                (trial, self._suggest(trial))
                for frozen in self.all
                if frozen.state == TrialState.RUNNING
                for trial in [optuna.Trial(self._study, frozen._trial_id)]
            ]
        raise AssertionError

    def ask(self) -> tuple[optuna.Trial, Settings] | None:
        """Return a new trial and its settings, which no other has; None if there are to be no more."""
        number = len(self.all)
        if self.most is not None and self._count_tried() >= self.most:
            return None
        if not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            settings = self._grid[number] if self._grid else self._propose(number)
            if settings is None:
                return None
            self._study.enqueue_trial(settings)
        self._study.sampler = build_sampler(self._search, number)
        trial = self._study.ask()
        return trial, self._suggest(trial)

    def _count_tried(self) -> int:
        """Return how many trials there are; where the space ends the search, how many settings they had."""
        if self._search.trials is not None and len(self.all) >= self._search.trials:
            return len(self.all)
        return len({name_settings(one.params) for one in self.all})

    def _propose(self, number: int) -> Settings | None:
        return propose_settings(self._search, self._study, number)

    def _suggest(self, trial: optuna.Trial) -> Settings:
        self._study.sampler = build_sampler(self._search, trial.number)
        return suggest_settings(self._search, trial)

    def report(self, trial: optuna.Trial, epoch: int, value: float) -> bool:
        """Keep what a trial has reached after an epoch, and return whether it should go on."""
        frozen = self._study._storage.get_trial(trial._trial_id)
        if epoch not in frozen.intermediate_values:  # a worker that was replaced tells again
            trial.report(value, epoch)
        return not trial.should_prune()

    def end(self, trial: optuna.Trial, state: TrialState, score: float | None = None) -> None:
        self._study.tell(trial, score, state=state)


def refuse_odd_trial(search: Search, trial: FrozenTrial) -> None:
    """Check that a trial of a journal is one that this search can have asked for.

    Raises:
        ValueError: it is not.
        TypeError, KeyError: it holds something else than numbers.
    """
    for field, value in trial.params.items():
        if field not in search.space:
            raise ValueError(f"trial {trial.number} sets {field[:60]}, which is not searched")
        parameter = search.space[field]
        if parameter.kind == "choice":
            is_one = value in parameter.names
        else:
            is_one = isinstance(value, int | float)
            is_one = is_one and (parameter.low or 0.0) <= value <= (parameter.high or 0.0)
        if not is_one:
            raise ValueError(f"trial {trial.number} sets {field[:60]} to {str(value)[:60]}")
    for epoch, reached in trial.intermediate_values.items():
        if type(epoch) is not int or not isinstance(reached, float):
            raise TypeError(f"trial {trial.number} has reached {str(reached)[:60]} after {str(epoch)[:20]}")


def build_pruner(name: str, num_epochs: int) -> BasePruner:
    """Return what gives trials up early; none has to end before a ninth or fifth of the epochs."""
    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=max(1, num_epochs // 5))
    if name == "halving":
        first = max(1, num_epochs // _REDUCTION**2)
        return SuccessiveHalvingPruner(min_resource=first, reduction_factor=_REDUCTION)
    return NopPruner()


def order_grid(search: Search) -> Sequence[Settings]:
    """Return the grid in an order drawn by the search's seed: what time leaves out is left out by chance."""
    return sorted(list_grid(search), key=lambda settings: draw_rank(search, settings))


def identify_search(search: Search) -> str:
    """Return a digest of everything a trial's settings and score depend on."""
    values: dict[str, Any] = search.model_dump(mode="json", exclude_none=True)
    for name in ("name", "about", "recipe", "trials", "minutes", "top", "fresh_seeds", "confidence"):
        values.pop(name, None)
    for parameter in values["space"].values():
        parameter.pop("label", None)
    recipe = {**read_recipe_file(search.recipe), "name": "", "about": ""}
    text = json.dumps([values, recipe, NUMBERS_VERSION], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
