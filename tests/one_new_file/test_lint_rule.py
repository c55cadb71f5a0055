"""A lint rule and a pitfall of one's own: one new file, no edit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loupe.cli import main
from loupe.linting import RULES
from loupe.pitfalls import PITFALLS

RULE = '''
import ast
from loupe.linting import Hit, register_rule

@register_rule("no-print", why="Prints are lost.", fix="log it")
def find_prints(code):
    """A call of print."""
    for call in code.calls:
        if code.tail(call) == "print":
            yield Hit(call)
'''
PITFALL = '''
from loupe.figures.style import new_axes, new_figure
from loupe.pitfalls import Side, TellTale, register_pitfall

@register_pitfall(
    "off-by-one", title="Off by one", tell_tale=TellTale("the count", "count", apart=1), rule="Count from 0.",
    source="D-004-5", looks="One too many.", in_loupe="Epochs are counted once.", lint=("one-epoch-more",),
)
class OffByOne:
    """One epoch too many."""

    def wrong(self, seed):
        return self.count(11)

    def right(self, seed):
        return self.count(10)

    def count(self, value):
        figure = new_figure(4, 3)
        new_axes(figure).bar([0], [value])
        return Side(value, f"{value} epochs", figure)
'''


@pytest.fixture(autouse=True)
def _own_parts_leave() -> Iterator[None]:
    """Tests over every rule and pitfall are of the package's own."""
    yield
    RULES._builders.pop("no-print", None)
    PITFALLS._builders.pop("off-by-one", None)


def test_a_rule_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin, script = tmp_path / "own_rule.py", tmp_path / "train.py"
    plugin.write_text(RULE, encoding="utf-8")
    script.write_text("import torch\nprint(1)\n", encoding="utf-8")
    assert main(["lint", str(script)]) == 0
    assert main(["lint", str(script), "--plugin", str(plugin)]) == 1
    assert "train.py:2: no-print (PyTorch) Prints are lost." in capsys.readouterr().out
    plugin.write_text(RULE.replace("(code)", "(anything)").replace("no-print", "no-prints"), encoding="utf-8")
    assert main(["lint", str(script), "--plugin", str(plugin)]) == 1
    assert "names neither what it reads, or both" in capsys.readouterr().err


def test_a_pitfall_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "own_pitfall.py"
    plugin.write_text(PITFALL, encoding="utf-8")
    assert main(["pitfalls", "off-by-one", "--plugin", str(plugin), "--out", str(tmp_path / "out")]) == 0
    assert "wrong 11, right 10" in capsys.readouterr().out
    assert "One too many." in (tmp_path / "out" / "off-by-one.html").read_text(encoding="utf-8")
