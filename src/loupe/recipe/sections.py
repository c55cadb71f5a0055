"""What every table of a recipe is made of."""

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A table of a recipe: immutable, and no field by accident."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NamedSection(Section):
    """A table whose further keys are settings of the thing it names."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    @property
    def settings(self) -> dict[str, Any]:
        """The keys that belong to the named thing, not to the table."""
        return dict(self.model_extra or {})


class Choice(NamedSection):
    """Something chosen by name, with its settings: an optimizer, a schedule, an augmentation."""

    name: str = Field(description="Registered name.")


def read_choice_text(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and settings of a choice written as one word: "top_k_accuracy:k=3".

    A value is read as TOML; what is not TOML is taken as a string.
    """
    name, *parts = text.split(":")
    return name, {key: _read_value(value) for key, _, value in (part.partition("=") for part in parts)}


def _read_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text


def write_choice_text(name: str, settings: Mapping[str, Any]) -> str:
    """Return a choice as one word that `read_choice_text` reads: its name, and `:setting=value` for each."""
    written = {
        key: str(value).lower() if isinstance(value, bool) else value for key, value in settings.items()
    }
    return ":".join([name, *(f"{key}={value}" for key, value in written.items())])


def _write_as_text(value: object) -> object:
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return write_choice_text(value["name"], {key: one for key, one in value.items() if key != "name"})
    return value


MetricName = Annotated[str, BeforeValidator(_write_as_text), Field(min_length=1)]
"""A metric as one word; a table `{name = …, k = …}` is written as one."""


def refuse_repeats(value: tuple[Any, ...] | None, allowed: str) -> tuple[Any, ...] | None:
    """Return values that differ from one another; the error says what is allowed."""
    if value is not None and len(set(value)) < len(value):
        raise ValueError(allowed)
    return value
