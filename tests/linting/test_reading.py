"""What cannot be read as code is said plainly, with its place; nothing that can be parsed breaks a rule."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loupe.cli import main
from loupe.errors import LoupeError
from loupe.linting import lint_file
from loupe.linting.reading import MOST_BYTES


def write(folder: Path, name: str, content: bytes | str) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def notebook(*cells: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": one} for one in cells]})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.py", "import torch\nx = (", "line 2"),
        ("a.py", b"x = '\xe9'", "not UTF-8"),
        ("a.py", b"# -*- coding: nonsense -*-\n", "not UTF-8"),
        ("a.py", "x = 1\0", "null"),
        ("a.py", "x = " + "(" * 3000 + ")" * 3000, "parentheses"),
        ("a.py", "import torch\nx = " + "-" * 20000 + "1", "deep"),
        ("a.py", b" " * (MOST_BYTES + 1), "8 MiB"),
        ("a.ipynb", "", "no Jupyter notebook"),
        ("a.ipynb", "[1, 2]", "no Jupyter notebook"),
        ("a.ipynb", '{"cells": [1]}', "no Jupyter notebook"),
        ("a.ipynb", notebook(["x", 3]), "no Jupyter notebook"),
        ("a.ipynb", b'{"cells": \xff}', "not UTF-8"),
        ("a.ipynb", notebook("x = 1\n", "y = 2\nz = ("), "cell 2, line 2"),
        ("none.py", None, "No such file"),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes | str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / name if content is None else write(tmp_path, name, content)
    with pytest.raises(LoupeError, match=said):
        lint_file(file)


def test_a_folder_and_a_pipe_are_no_scripts(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("folder.py", "pipe.py"):
        with pytest.raises(LoupeError, match="cannot be read as code"):
            lint_file(tmp_path / name)


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "\ufeffimport torch\n"])
def test_empty_scripts(content: str, tmp_path: Path) -> None:
    assert lint_file(write(tmp_path, "a.py", content)) == []


@pytest.mark.parametrize(
    "cells", [(), ("",), ("%%bash\necho (",), ("!ls\n%matplotlib inline\n??model",), (["a = 1\n", "b = 2"],)]
)
def test_odd_notebooks(cells: tuple[object, ...], tmp_path: Path) -> None:
    assert lint_file(write(tmp_path, "a.ipynb", notebook(*cells))) == []


def test_another_encoding_that_the_file_names(tmp_path: Path) -> None:
    text = "# -*- coding: latin-1 -*-\nimport torch\nx = 'é'\ntorch.load('a', weights_only=False)\n"
    assert [one.line for one in lint_file(write(tmp_path, "a.py", text.encode("latin-1")))] == [4]


def test_exit_status_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path, "bad.py", "import torch\ntorch.load('a', weights_only=False)\n")
    good = write(tmp_path, "good.py", "import torch\ntorch.load('a')\n")
    assert main(["lint", str(good)]) == 0
    assert capsys.readouterr().out == "No mistake found.\n"
    assert main(["lint", str(good), str(bad)]) == 1
    shown = capsys.readouterr().out
    assert f"{bad}:2: pickled-network (D-X-5)" in shown
    assert "fix: torch.save(model.state_dict(), file)" in shown
    assert main(["lint", str(bad), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["source"], found["line"], found["cell"]) == (
        "pickled-network",
        "D-X-5",
        2,
        None,
    )
    assert main(["lint", str(tmp_path)]) == 1  # a folder: all files in it
    assert "bad.py:2" in capsys.readouterr().out
    assert main(["lint"]) == 1
    assert "There is nothing to look at" in capsys.readouterr().err
    assert main(["lint", "--list"]) == 0
    assert "squashed-logits" in capsys.readouterr().out


def test_what_cannot_be_looked_at_keeps_no_other_from_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path, "bad.py", "import torch\ntorch.load('a', weights_only=False)\n")
    good = write(tmp_path, "good.py", "import torch\ntorch.load('a')\n")
    broken, empty = write(tmp_path, "broken.toml", "name = digits\n"), tmp_path / "empty"
    empty.mkdir()
    assert main(["lint", str(broken), str(empty), str(bad), str(good)]) == 1
    shown = capsys.readouterr()
    assert f"Error: {broken} is not valid TOML." in shown.err
    assert f"Error: There is nothing to look at in {empty}." in shown.err
    assert f"{bad}:2: pickled-network" in shown.out
    assert shown.out.endswith(
        "1 mistake found in 2 of 4 files and runs; why not in the others is said above.\n"
    )
    assert main(["lint", str(broken), str(good), "--json"]) == 1
    shown = capsys.readouterr()
    assert (json.loads(shown.out), "is not valid TOML" in shown.err) == ([], True)
    assert main(["lint", str(broken)]) == 1
    assert capsys.readouterr().out == ""


NAMES = st.sampled_from(
    ["model", "loss", "x", "test_acc", "best_acc", "loader", "train_loader", "val_set", "nn", "F", "torch"]
)
EXPRESSIONS = st.recursive(
    NAMES | st.integers(-50, 50).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, NAMES).map(
            lambda two: f"{two[0]}.{two[1]}".replace("0.", "x.") if two[0][-1].isalpha() else "x"
        ),
        st.tuples(NAMES, inner, inner).map(lambda three: f"{three[0]}({three[1]}, key={three[2]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} / {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} + {two[1]})"),
        st.tuples(NAMES, inner).map(lambda two: f"{two[0]}[{two[1]}]"),
        st.tuples(inner, inner).map(lambda two: f"[a - b for a, b in zip({two[0]}, {two[1]})]"),
        st.sampled_from(
            ["loss.backward()", "optimizer.step()", "model.eval()", "nn.Sequential()", "F.cross_entropy()"]
        ),
    ),
    max_leaves=6,
)
STATEMENTS = st.recursive(
    st.one_of(
        st.tuples(NAMES, EXPRESSIONS).map(lambda two: f"{two[0]} = {two[1]}"),
        st.tuples(NAMES, EXPRESSIONS).map(lambda two: f"{two[0]} += {two[1]}"),
        st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda three: f"{three[0]}, {three[1]} = {three[2]}"),
        EXPRESSIONS,
    ),
    lambda inner: st.tuples(
        st.sampled_from(
            [
                "for x in loader:",
                "for epoch in range(3):",
                "if test_acc > best_acc:",
                "def loader(x):",
                "class Net(nn.Module):",
            ]
        ),
        st.lists(inner, min_size=1, max_size=3),
    ).map(
        lambda block: "\n".join([block[0], *("    " + line for one in block[1] for line in one.split("\n"))])
    ),
    max_leaves=8,
)


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(st.lists(STATEMENTS, max_size=5))
def test_no_code_breaks_the_rules(tmp_path_factory: pytest.TempPathFactory, statements: list[str]) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = "\n".join(["import torch", "from torch import nn", "import torch.nn.functional as F", *statements])
    lint_file(write(folder, "drawn.py", text + "\n"))
