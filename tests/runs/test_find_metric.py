"""What is known of a metric: as it is registered now, or as a run has it on record."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from loupe.errors import UnknownNameError
from loupe.metrics import describe_metric
from loupe.runs import metric_values
from loupe.runs.metric_values import find_metric


def test_whoever_chooses_by_a_metric_takes_it_as_it_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's metric whose better side was put right must not be read the old way round."""
    now = describe_metric("macro_f1")
    former = replace(now, title="as it was called", better="lower")

    def list_kept(*_: object) -> Iterator[object]:
        return iter([former])

    monkeypatch.setattr(metric_values, "_list_kept", list_kept)
    assert find_metric("macro_f1", []) == now
    assert find_metric("macro_f1", [], prefers_record=True) == former
    assert find_metric("of_a_plugin_not_loaded", []) == former
    monkeypatch.setattr(metric_values, "_list_kept", lambda *_: iter([None]))
    with pytest.raises(UnknownNameError):
        find_metric("of_a_plugin_not_loaded", [])
