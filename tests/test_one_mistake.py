"""One mistake in a packaged study or search: it is told, and nothing breaks off."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from loupe.errors import LoupeError
from loupe.searches import read_search_file
from loupe.searches.loading import load_search
from loupe.studies import read_study_file
from loupe.studies.loading import load_study

pytestmark = pytest.mark.thorough

WRONG = (7.5, True, "zzz", [], {}, [{"a": 1}], {"x": 3}, [1, "a"], None)
RENAMED = "renamed"


def spoil(mapping: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, object, dict[str, Any]]]:
    """Yield a mapping with one value replaced, by a third of what is wrong, or one name changed."""
    for number, (name, value) in enumerate(mapping.items(), start=depth):
        for wrong in WRONG[number % 3 :: 3]:
            yield name, wrong, {**copy.deepcopy(mapping), name: wrong}
        others = {other: copy.deepcopy(one) for other, one in mapping.items() if other != name}
        yield name, RENAMED, {**others, f"{name}x": copy.deepcopy(value)}
        if isinstance(value, dict) and depth < 2:
            for place, wrong, inner in spoil(value, depth + 1):
                yield f"{name}.{place}", wrong, {**copy.deepcopy(mapping), name: inner}


@pytest.mark.parametrize(
    ("read", "load", "name"),
    [
        (read_study_file, load_study, "fashion-transfer"),
        (read_search_file, load_search, "digits-search"),
    ],
)
def test_one_mistake_is_told(
    read: Callable[[str], dict[str, Any]], load: Callable[..., object], name: str
) -> None:
    told = 0
    for place, wrong, spoilt in spoil(read(name)):
        try:
            load(spoilt)
        except LoupeError:
            told += 1
        except Exception as error:
            pytest.fail(f"{place} as {wrong!r}: {error!r}")
    assert told > 40


def test_an_axis_that_is_skipped_by_another_name_is_told() -> None:
    study = {
        "recipe": "digits",
        "arms": {"mine": {}},
        "axes": {"size": {"field": "train.batch_size", "values": [16, 32]}},
        "skip": [{"at": {"sise": [16]}, "why": "too small"}],
    }
    with pytest.raises(LoupeError) as caught:
        load_study(study)
    assert "skip.0.at: got 'sise'; allowed: size; did you mean 'size'?" in str(caught.value)
