"""The fields of a search as text, for the help of the command line."""

from collections.abc import Iterator

from loupe.searches.schema import Parameter, Search
from loupe.studies.describe_fields import describe_tables


def describe_search_fields() -> Iterator[tuple[str, str, str]]:
    """Yield (field, default, description) of every field of a search, in the order of the file."""
    yield from describe_tables(Search, {"space": ('space."FIELD".', Parameter)})
