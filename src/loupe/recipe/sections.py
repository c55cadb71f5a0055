"""What every table of a recipe is made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
