import ast
import textwrap

import pytest

from loupe.conformance.source import find_faults


def read(body: str, arguments: str = "self, x") -> list[tuple[int, str]]:
    code = f"def forward({arguments}):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return [(finding.line, finding.text.partition(":")[0]) for finding in find_faults(ast.parse(code))]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return x\nx = 1", [(3, "never reached")]),
        ("if x:\n    return 1\nelse:\n    raise ValueError\nx = 1", [(6, "never reached")]),
        ("for i in x:\n    continue\n    print(i)", [(4, "never reached")]),
        ("if x == None:\n    pass", [(2, "`x == None`")]),
        ("if None != self.bias:\n    pass", [(2, "`None != self.bias`")]),
        ("x += 1", [(2, "`x += 1` writes in place into the input")]),
        ("y = x\ny *= 2", [(3, "`y *= 2` writes in place into the input")]),
        ("x[x < 0] = 0", [(2, "`x[x < 0] = …` writes in place into the input")]),
        ("x.clamp_(0)", [(2, "`x.clamp_(…)` writes in place into the input")]),
        ("y = x.view(-1)\ny += 1", [(3, "`y += 1` writes in place into a view of the input")]),
        ("y = (x @ x).reshape(2)\ny += 1", [(3, "`y += 1` writes in place into a view of another tensor")]),
        ("x.T[0] -= 1", [(2, "`x.T[0] -= 1` writes in place into a view of the input")]),
    ],
)
def test_faults_are_found_with_their_lines(body: str, found: list[tuple[int, str]]) -> None:
    assert read(body) == found


@pytest.mark.parametrize(
    "body",
    [
        "if x:\n    return 1\nx = 1\nreturn x",
        "if x is None or x == 0:\n    pass",
        "x = x + 1\nx += 1",
        "y = F.unfold(x, 3)\ny += 1",
        "n = x.shape[0]\nn += 1",
        "total = 0\nfor row in x:\n    total += row.sum()",
        "self.count += 1",
    ],
)
def test_what_is_right_is_left_alone(body: str) -> None:
    assert read(body) == []
