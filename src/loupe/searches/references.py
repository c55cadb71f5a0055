"""What the parts of a search ask of each other: conditions on parameters that are there, and a budget."""

from collections.abc import Collection, Iterator

from loupe.checking import name_place
from loupe.errors import Mistake, suggest
from loupe.searches.schema import Search, name_choice


def find_unmet(search: Search, lost: Collection[str] = ()) -> Iterator[Mistake]:
    """Yield a mistake for each condition that can never hold, and for a search without a budget.

    Args:
        search: the search, or what could be read of it.
        lost: the fields that could not be.
    """
    mistakes = [
        mistake
        for field, parameter in search.space.items()
        for other, values in parameter.when.items()
        for mistake in _check_condition(search, field, other, values)
    ]
    yield from mistakes or _find_circle(search)
    if {"sampler", "trials", "minutes"}.intersection(lost):
        return
    if search.sampler != "grid" and search.trials is None and search.minutes is None:
        yield Mistake("trials", "no budget", "trials, or minutes, or both")


def _check_condition(search: Search, field: str, other: str, values: tuple[object, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with the condition of one parameter on another."""
    choices = [name for name, one in search.space.items() if one.kind == "choice" and name != field]
    place = f"space.{field}.when"
    if other not in choices:
        allowed = f"other choices of this space ({', '.join(choices) or 'there is none'})"
        yield Mistake(place, repr(other), allowed, suggest(other, choices))
        return
    place = f"{place}.{name_place(other)}"
    known = sorted({*search.space[other].names, *map(name_choice, search.space[other].values)})
    if not values:
        yield Mistake(place, "no value", ", ".join(known))
    for value in values:
        if name_choice(value) not in known:
            nearest = suggest(value, known) if isinstance(value, str) else None
            yield Mistake(place, repr(value), ", ".join(known), nearest)


def _find_circle(search: Search) -> Iterator[Mistake]:
    """Yield a mistake if parameters wait for each other."""
    known: set[str] = set()
    while len(known) < len(search.space):
        new = {name for name, one in search.space.items() if name not in known and known.issuperset(one.when)}
        if not new:
            circle = sorted(search.space.keys() - known)
            yield Mistake("space", f"conditions in a circle ({', '.join(circle)})", "conditions without one")
            return
        known |= new
