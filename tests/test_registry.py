from typing import Annotated, Any

import pytest
from pydantic import Field

from loupe.data import AUGMENTATIONS, SOURCES
from loupe.errors import LoupeError, UnknownNameError
from loupe.models import MODELS
from loupe.registry import Registry
from loupe.training import OPTIMIZERS, SCHEDULES

ALL_REGISTRIES = [AUGMENTATIONS, MODELS, OPTIMIZERS, SCHEDULES, SOURCES]


@pytest.fixture
def soups() -> Registry:
    registry = Registry("soup", "loupe.figures", given=("pot",), list_command="loupe soups")

    @registry.register("tomato", colour="red")
    def tomato(
        *, pot: str, salt: Annotated[float, Field(ge=0, le=1)] = 0.5, herbs: tuple[str, ...] = ("basil",)
    ) -> Any:
        """Red soup.

        More about it.
        """
        return pot, salt, herbs

    return registry


def test_build_passes_what_is_given_and_checked_settings(soups: Registry) -> None:
    assert soups.build("tomato", {"herbs": ["dill"]}, pot="big") == ("big", 0.5, ("dill",))


def test_facts_and_summary_need_no_building(soups: Registry) -> None:
    assert soups.facts("tomato") == {"colour": "red"}
    assert soups.summary("tomato") == "Red soup."


def test_unknown_names_get_a_suggestion(soups: Registry) -> None:
    with pytest.raises(UnknownNameError, match="did you mean: tomato"):
        soups.build("tomatoe", pot="big")


def test_all_mistakes_of_the_settings_are_found_together(soups: Registry) -> None:
    mistakes = soups.find_mistakes("tomato", {"salt": 2, "herb": []}, where="menu")
    assert [str(mistake) for mistake in mistakes] == [
        "menu.salt: got 2; allowed: a number ≤ 1",
        "menu.herb: got an unknown field; allowed: herbs, salt; did you mean 'herbs'?",
    ]


def test_what_the_bench_gives_is_no_setting(soups: Registry) -> None:
    (mistake,) = soups.find_mistakes("tomato", {"pot": "mine"}, where="menu")
    assert mistake.got == "an unknown field"


def test_what_is_offered_goes_to_those_who_ask_and_is_no_setting() -> None:
    registry = Registry(
        "soup", "loupe.figures", given=("pot",), offered=("spoon",), list_command="loupe soups"
    )

    @registry.register("thick")
    def thick(*, pot: str, spoon: str, salt: float = 0.5) -> Any:
        """For a spoon."""
        return pot, spoon, salt

    @registry.register("thin")
    def thin(*, pot: str) -> Any:
        """For drinking."""
        return pot

    assert registry.build("thick", pot="big", spoon="wooden") == ("big", "wooden", 0.5)
    assert registry.build("thin", pot="big", spoon="wooden") == "big"
    assert [name for name, _, _ in registry.describe_settings("thick")] == ["salt"]


def test_bad_settings_are_refused_by_build(soups: Registry) -> None:
    with pytest.raises(LoupeError, match=r"tomato\.salt: got -1; allowed: a number ≥ 0"):
        soups.build("tomato", {"salt": -1}, pot="big")


def test_a_plugins_name_goes_to_the_later_plugin(soups: Registry) -> None:
    for number in (1, 2):

        def builder(*, pot: str) -> int:
            """A soup of my own."""
            return number  # noqa: B023  # built at once below

        builder.__module__ = f"loupe_plugin_{number}"
        soups.register("mine")(builder)
        assert soups.build("mine", pot="big") == number


def test_two_builders_cannot_share_a_name(soups: Registry) -> None:
    with pytest.raises(LoupeError, match="Two builders want the soup name 'tomato'"):
        soups.register("tomato")(lambda: None)


@pytest.mark.parametrize("registry", ALL_REGISTRIES, ids=lambda registry: registry.kind)
def test_every_builder_is_described(registry: Registry) -> None:
    assert registry.names(), f"no {registry.kind} was discovered"
    for name in registry:
        if not registry.get(name).__module__.startswith("loupe."):
            continue  # another test's plugin
        summary = registry.summary(name)
        assert summary.endswith("."), f"{registry.kind} {name}: the first line of its docstring is a sentence"
        for setting, _, description in registry.describe_settings(name):
            assert description, f"{registry.kind} {name}: setting {setting} says nothing of meaning and range"
