"""A search as its folder has it, while it goes on and afterwards; nothing is written."""

import json
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from loupe.runs.kept_recipes import find_recipe
from loupe.searches import Search, parse_search, read_search_file
from loupe.searches.folder import SearchFolder
from loupe.searches.importance import measure_importance
from loupe.searches.metric import metric_of
from loupe.searches.outcome import SearchOutcome, find_outcome
from loupe.searches.scheduler import rank_trials


def read_search(folder: SearchFolder) -> Search:
    """Return the search of a folder, checked in its form only.

    Raises:
        LoupeError: the file is not there, or has mistakes.
    """
    search = parse_search(read_search_file(folder.search_file))
    return search.model_copy(update={"recipe": find_recipe(folder.path, search.recipe)})


def look_back_at_search(folder: SearchFolder) -> SearchOutcome:
    """Return what a search has found so far.

    Raises:
        LoupeError: a file of the folder is missing or damaged.
    """
    search = read_search(folder)

    def read_setting(field: str, text: str) -> Any:
        kind = search.space[field].kind if field in search.space else "choice"
        return text if kind == "choice" else int(text) if kind == "int" else float(text)

    trials = folder.read_trials(read_setting)
    metric = metric_of(search, folder)
    ranked = rank_trials(metric, trials)[: search.top]
    study = _open_journal(search, folder)
    shares, note = ({}, "No trial has ended yet.") if study is None else measure_importance(study)
    seconds = 0.0 if study is None else float(study.user_attrs.get("seconds", 0.0))
    return find_outcome(search, metric, trials, ranked, folder.read_fresh(), shares, note, seconds)


def _open_journal(search: Search, folder: SearchFolder) -> optuna.Study | None:
    """Return the journal's study; None if there is none yet, or it is being written at this moment."""
    if not folder.journal_file.exists():
        return None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        storage = JournalStorage(JournalFileBackend(str(folder.journal_file)))
        return optuna.load_study(study_name=search.name, storage=storage)
    except (KeyError, json.JSONDecodeError):
        return None
