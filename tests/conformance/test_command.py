"""`loupe check-layer` as a student meets it."""

import builtins
from pathlib import Path

import pytest

import loupe
from loupe.cli import main
from loupe.errors import LoupeError

FAULTY = Path(__file__).parent / "faulty_layers.py"
KINDS = (
    "attention, avg-pool2d, batch-norm, conv-transpose2d, conv2d, cross-entropy, dropout, global-avg-pool, "
    "group-norm, layer-norm, linear, max-pool2d, relu"
)


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layers.py").write_text(FAULTY.read_text())
    (tmp_path / "beside.py").write_text("from torch import nn\n\n\nclass Right(nn.Linear):\n    pass\n")
    (tmp_path / "imports.py").write_text(
        "from beside import Right as Mine\nimport torch\ntorch.manual_seed(0)\n"
    )
    (tmp_path / "broken.py").write_text("\nprint('hello')\n1 / 0\n")


def test_a_faulty_layer_is_shown_with_its_smallest_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-layer", "layers.py:UnbiasedNorm", "--as", "batch-norm"]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "UnbiasedNorm as batch-norm"
    assert lines[1] == "check verdict what was found"
    assert lines[2] == "constructor passed"
    at = lines.index(
        "output in training failed normalised with the unbiased variance (divided by n - 1): "
        "torch divides by n here"
    )
    assert lines[at + 1 : at + 4] == [
        "expected -0.3944 at [0, 0, 0, 1]",
        "came -0.2007 (largest difference 0.194)",
        "case UnbiasedNorm(num_features=1) on an input of shape (1, 1, 1, 2)",
    ]
    assert lines[-1] == "15 of 16 checks passed, 2 not offered, 5 not checked"


def test_a_right_layer_passes_and_nothing_is_left_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    assert main(["check-layer", "imports.py:Mine", "--as", "linear"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "16 of 16 checks passed"
    assert {path.name for path in tmp_path.iterdir()} - before <= {"__pycache__"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["layers.py:FlippedConv2d"],
            "Error: What is layers.py:FlippedConv2d to be compared with?\n"
            f"  allowed: {KINDS}\n  did you mean: conv2d\n"
            "  next: loupe check-layer layers.py:FlippedConv2d --as KIND\n",
        ),
        (
            ["layers.py:UntidyLinear", "--as", "linaer"],
            f"Error: There is no kind of layer called 'linaer'.\n  got: linaer\n  allowed: {KINDS}\n"
            "  did you mean: linear\n  next: `loupe check-layer --help` lists them\n",
        ),
        (
            ["beside.py:Rihgt", "--as", "linear"],
            "Error: There is no Rihgt in beside.py.\n  got: beside.py:Rihgt\n  allowed: Right\n"
            "  did you mean: Right\n  next: loupe check-layer beside.py:Right\n",
        ),
        (
            ["beside.py", "--as", "linear"],
            "Error: Which layer of the file is meant?\n  got: beside.py\n  allowed: Right\n"
            "  next: loupe check-layer beside.py:Right\n",
        ),
        (
            ["besides.py:Right", "--as", "linear"],
            "Error: There is no Python file besides.py.\n  got: besides.py\n"
            "  allowed: FILE:NAME, a Python file (.py) and the name of a class or function in it\n"
            "  did you mean: beside.py\n  next: mend the path\n",
        ),
        (
            ["broken.py:Right", "--as", "linear"],
            "Error: The file broken.py cannot be imported.\n"
            "  got: ZeroDivisionError: division by zero (line 3)\n"
            "  next: `python broken.py` shows the whole story\n",
        ),
        (
            ["layers.py:NOT_A_LAYER", "--as", "linear"],
            "Error: NOT_A_LAYER is neither a class nor a function.\n  got: int\n",
        ),
    ],
)
def test_a_mistake_is_a_message_and_no_traceback(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check-layer", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(message)
    assert captured.out == ""


def test_the_command_names_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-layer", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(kind in text for kind in KINDS.split(", "))


def test_without_hypothesis_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> object:
        if name == "hypothesis":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(LoupeError, match=r"next: pip install 'loupe-bench\[check\]'"):
        loupe.check_layer(object, "linear")
