"""From what the user typed to a recipe that is complete and right."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loupe.data import AUGMENTATIONS, SOURCES
from loupe.data.normalization import PRESETS
from loupe.errors import LoupeError, Mistake, RecipeError, suggest
from loupe.models import MODELS
from loupe.recipe import Recipe, find_form_mistakes, parse_override, parse_recipe, read_recipe_file, set_value
from loupe.registry import Registry
from loupe.training import OPTIMIZERS, SCHEDULES


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe = "digits",
    overrides: Sequence[str] = (),
    *,
    plugins: Sequence[str] = (),
) -> Recipe:
    """Return a checked recipe with every setting filled in.

    Args:
        recipe: a packaged recipe's name, a TOML file (a finished run's `recipe.toml` too), a mapping,
            or a recipe.
        overrides: changes as on the command line, `section.field=value`.
        plugins: further Python files that register models, datasets …

    Raises:
        UnknownNameError: there is no such recipe.
        RecipeError: with every mistake, before any data is loaded.
    """
    mapping = _read_mapping(recipe)
    for override in overrides:
        dotted, value = parse_override(override)
        set_value(mapping, dotted, value)
    if plugins:
        run = mapping.setdefault("run", {})
        run["plugins"] = [*run.get("plugins", ()), *plugins]
    if not find_form_mistakes(mapping):
        mapping = _with_plugins_loaded(mapping)
    mistakes = [*find_form_mistakes(mapping), *find_setting_mistakes(mapping)]
    if mistakes:
        raise RecipeError(str(mapping.get("name", "unnamed")), mistakes)
    return resolve_settings(parse_recipe(mapping))


def find_setting_mistakes(mapping: Mapping[str, Any]) -> list[Mistake]:
    """Return the mistakes in what a recipe names: models, augmentations … and their settings."""
    data, model, train = (_table(mapping, section) for section in ("data", "model", "train"))
    mistakes = [
        *_check_choice(SOURCES, {"name": "digits", **_without(data, _DATA_FIELDS)}, "data", _DATA_FIELDS),
        *_check_choice(MODELS, {"name": "cnn", **model}, "model"),
        *_check_choice(OPTIMIZERS, train.get("optimizer", "adam"), "train.optimizer"),
        *_check_choice(SCHEDULES, train.get("schedule", "constant"), "train.schedule"),
    ]
    augment = data.get("augment", ())
    for index, choice in enumerate(augment if isinstance(augment, list | tuple) else ()):
        mistakes += _check_choice(AUGMENTATIONS, choice, f"data.augment.{index}")
    normalize = data.get("normalize", "measured")
    presets = ["measured", *PRESETS]
    if isinstance(normalize, str) and normalize not in presets:
        near = suggest(normalize, presets)
        mistakes.append(Mistake("data.normalize", repr(normalize), ", ".join(presets), near))
    return mistakes


def resolve_settings(recipe: Recipe) -> Recipe:
    """Return the recipe with the defaults of everything it names filled in."""
    mapping = recipe.to_dict()
    source = SOURCES.resolve(recipe.data.name, recipe.data.settings)
    mapping["data"] |= {name: value for name, value in source.items() if value is not None}
    mapping["data"]["augment"] = [
        {"name": choice.name, **AUGMENTATIONS.resolve(choice.name, choice.settings)}
        for choice in recipe.data.augment
    ]
    mapping["model"] |= MODELS.resolve(recipe.model.name, recipe.model.settings)
    for field, registry in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        choice = getattr(recipe.train, field)
        mapping["train"][field] = {"name": choice.name, **registry.resolve(choice.name, choice.settings)}
    return parse_recipe(mapping)


def load_plugin(place: str) -> str:
    """Import a Python file for what it registers, and return the SHA-256 of its text.

    Raises:
        LoupeError: there is no such file, or it cannot be imported.
    """
    path = Path(place).expanduser().resolve()
    if not path.is_file():
        raise LoupeError(
            f"There is no plugin file {place}.",
            got=place,
            allowed="a Python file that registers a model, dataset, augmentation …",
            next_step="mend --plugin or run.plugins",
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"loupe_plugin_{digest[:12]}"
    if name in sys.modules:
        return digest
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except LoupeError:
        del sys.modules[name]
        raise
    except Exception as error:  # whatever the user's file does, say where and what
        del sys.modules[name]
        line = getattr(error, "lineno", None) or _last_line_in(error, path)
        raise LoupeError(
            f"The plugin {place} cannot be imported.",
            got=f"{type(error).__name__}: {error}" + (f" (line {line})" if line else ""),
            next_step=f"`python {place}` shows the whole story",
        ) from None
    return digest


def _last_line_in(error: Exception, path: Path) -> int | None:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _with_plugins_loaded(mapping: dict[str, Any]) -> dict[str, Any]:
    """Import a recipe's plugins and make their paths absolute, so that a resume finds them."""
    plugins = mapping.get("run", {}).get("plugins", ())
    for plugin in plugins:
        load_plugin(plugin)
    if not plugins:
        return mapping
    absolute = [str(Path(plugin).expanduser().resolve()) for plugin in plugins]
    return {**mapping, "run": {**mapping["run"], "plugins": absolute}}


def _read_mapping(recipe: str | Path | Mapping[str, Any] | Recipe) -> dict[str, Any]:
    if isinstance(recipe, Recipe):
        return recipe.to_dict()
    return dict(recipe) if isinstance(recipe, Mapping) else read_recipe_file(recipe)


_DATA_FIELDS = frozenset(type(Recipe().data).model_fields) - {"name"}


def _table(mapping: Mapping[str, Any], section: str) -> dict[str, Any]:
    table = mapping.get(section, {})
    if isinstance(table, str):
        return {"name": table}
    return dict(table) if isinstance(table, Mapping) else {}


def _without(table: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}


def _check_choice(
    registry: Registry, choice: object, where: str, fields: Iterable[str] = ()
) -> list[Mistake]:
    if isinstance(choice, str):
        choice = {"name": choice}
    if not isinstance(choice, Mapping):
        return []  # a mistake of form, reported there
    settings = {name: value for name, value in choice.items() if name != "name"}
    return registry.find_mistakes(choice.get("name"), settings, where=where, fields=fields)
