"""One list of registries: every kind is found, listed, and has its verb."""

import json
import re
from pathlib import Path

import pytest

import loupe
from loupe.cli import main
from loupe.errors import UnknownNameError
from loupe.parts import KINDS, find_kind
from loupe.registry import Registry
from tests.quick_runs import forget_plugins

SOURCE = Path(loupe.__file__).parent


def test_every_registry_of_the_package_is_a_kind() -> None:
    """`layer-kinds` of conformance are no parts of a run; `loupe check-layer` lists them."""
    made = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(
            r"^(\w+)(?:: \w+)? = Registry\(", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    named = {kind.place.partition(":")[2] for kind in KINDS.values()}
    assert made - {"LAYER_KINDS"} == named


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_verb_and_all_parts_a_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    forget_plugins()  # of other tests, some of which say nothing of themselves
    registry = KINDS[name].registry
    assert isinstance(registry, Registry)
    assert main([name]) == 0
    shown = capsys.readouterr().out
    assert main(["parts", name]) == 0
    assert capsys.readouterr().out == shown
    for part in registry:
        assert f"\n{part}  {registry.summary(part)}"[1:] in shown
    assert main([name, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)[name]
    assert [one["name"] for one in listed] == registry.names()
    assert all(one["summary"] for one in listed)


def test_all_kinds_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts"]) == 0
    shown = capsys.readouterr().out
    for name, kind in KINDS.items():
        assert re.search(rf"^{name} +\S", shown, re.MULTILINE)
        assert all(part in shown for part in kind.registry)
    assert main(["parts", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == list(KINDS)


def test_a_kind_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts", "trakers"]) == 1
    assert "did you mean: trackers" in capsys.readouterr().err
    with pytest.raises(UnknownNameError):
        find_kind("model")


def test_a_registry_says_which_command_lists_it() -> None:
    for kind in KINDS.values():
        with pytest.raises(UnknownNameError, match=f"`loupe {kind.name}` lists them"):
            kind.registry.get("no such thing")
