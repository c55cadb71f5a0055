"""A command line that no verb takes: told like every other mistake, and nothing is begun."""

from pathlib import Path

import pytest

from loupe.cli import main


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["class", "mkae"],
            "Error: `loupe class` has no verb 'mkae'.\n  got: mkae\n"
            "  allowed: grade, make, revise, serve, submit\n  did you mean: make\n"
            "  next: `loupe class --help` says what each does\n",
        ),
        (
            ["--nope"],
            "Error: `loupe` has no option --nope before its verb.\n  got: --nope\n"
            "  allowed: --help, --version; other options stand behind a verb\n"
            "  next: `loupe --help` lists the verbs, `loupe VERB --help` the options of one\n",
        ),
        (
            ["train", "digits", "--epochs", "3"],
            "Error: `loupe train` has no option --epochs.\n  got: --epochs\n"
            "  allowed: --continue, --plugin, and fields as section.field=value\n"
            "  did you mean: train.epochs=VALUE\n  next: `loupe train --help` says what it takes\n",
        ),
        (
            ["list", "--metrcs", "x"],
            "Error: `loupe list` has no option --metrcs.\n  got: --metrcs\n"
            "  allowed: --metrics, --plugin\n  did you mean: --metrics\n"
            "  next: `loupe list --help` says what it takes\n",
        ),
        (
            ["open", "x", "--prot=8000"],
            "Error: `loupe open` has no option --prot.\n  got: --prot\n"
            "  allowed: --allow-network, --audits, --browser, --host, --no-browser, --port, --searches, "
            "--studies\n"
            "  did you mean: --port\n"
            "  next: `loupe open --help` says what it takes\n",
        ),
        (
            ["list", "a", "b"],
            "Error: `loupe list` takes no more arguments.\n  got: b behind them\n  allowed: FOLDER\n"
            "  next: `loupe list --help` says what it takes\n",
        ),
        (
            ["recipes", "x"],
            "Error: `loupe recipes` takes no more arguments.\n  got: x\n  allowed: options only\n"
            "  next: `loupe recipes --help` says what it takes\n",
        ),
        (
            ["export"],
            "Error: `loupe export` needs RUN.\n  got: nothing\n"
            "  allowed: a run folder, or its name (or how it begins) inside runs/\n"
            "  next: `loupe export --help` says what it takes\n",
        ),
        (
            ["open", "--port"],
            "Error: --port has no value.\n  got: nothing\n"
            "  allowed: a whole number (port; the first free one from 8321 on if left out, 0 for any)\n"
            "  next: `loupe open --help` says what it takes\n",
        ),
        (
            ["compare", "a", "b", "--margin=wide"],
            "Error: --margin cannot be 'wide'.\n  got: wide\n"
            "  allowed: a number (points of accuracy that would not matter (non-inferiority))\n"
            "  next: `loupe compare --help` says what it takes\n",
        ),
        (
            ["figures", "r", "--style", "papr"],
            "Error: --style cannot be 'papr'.\n  got: papr\n  allowed: paper, slides, grey\n"
            "  did you mean: paper\n  next: `loupe figures --help` says what it takes\n",
        ),
        (
            ["show", "digits", "--plot=3"],
            "Error: --plot cannot be '3'.\n  got: 3\n  allowed: --plot alone, with no value\n"
            "  next: `loupe show --help` says what it takes\n",
        ),
        (
            ["open", "--port", "1.5"],
            "Error: --port cannot be '1.5'.\n  got: 1.5\n"
            "  allowed: a whole number (port; the first free one from 8321 on if left out, 0 for any)\n"
            "  next: `loupe open --help` says what it takes\n",
        ),
        (
            ["class", "grade", "x", "--memory=2.0"],
            "Error: --memory cannot be '2.0'.\n  got: 2.0\n"
            "  allowed: a whole number (MiB of memory that grading one submission may take; "
            "held to on Linux)\n"
            "  next: `loupe class grade --help` says what it takes\n",
        ),
        (
            ["open", "--port", "1", "--port", "2"],
            "Error: --port is there more than once.\n  got: --port 2 behind another\n  allowed: once\n"
            "  next: leave one of them out\n",
        ),
        (
            ["train", "digits", ""],
            "Error: An argument is empty.\n  got: nothing, at argument 3 of 3\n"
            "  allowed: a value; the current folder is .\n"
            "  next: see whether a variable of the shell is not set, or leave the argument out\n",
        ),
        (
            ["train", "--plugin="],
            "Error: An argument is empty.\n  got: nothing, at --plugin=\n"
            "  allowed: a value; the current folder is .\n"
            "  next: see whether a variable of the shell is not set, or leave the argument out\n",
        ),
        (
            ["compare"],
            "Error: A comparison needs two runs or more.\n  got: no run\n"
            "  allowed: two or more run folders, or names in runs/\n"
            "  next: loupe compare RUN RUN; `loupe list` shows the runs\n",
        ),
        (
            ["verify"],
            "Error: There is nothing to verify.\n  got: no run\n"
            "  allowed: one or more run folders, or names in runs/\n"
            "  next: loupe verify RUN; `loupe list` shows the runs\n",
        ),
        (
            ["trust"],
            "Error: There is nothing to trust.\n  got: no plugin\n"
            "  allowed: one or more Python files that a recipe or run names\n"
            "  next: loupe trust PLUGIN\n",
        ),
    ],
)
def test_a_command_line_that_no_verb_takes(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err == message
    assert captured.out == ""
    assert not list(Path.cwd().iterdir()), "something was left behind"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trian", "train"),
        ("digits", "loupe train digits"),
        ("mine.toml", "loupe train mine.toml"),
        ("fast-cifar10-epochs", "loupe study fast-cifar10-epochs"),
        ("fit", "train"),
        ("test", "evaluate"),
        ("plot", "figures"),
        ("dataset", "datasets"),
        ("model", "models"),
        ("version", "--version"),
        ("help", "--help"),
        ("init", "train"),
        ("infer", "predict"),
        ("digits-search", "loupe search digits-search"),
    ],
)
def test_what_stands_in_the_place_of_a_verb(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([typed]) == 2
    assert f"\n  did you mean: {meant}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["train", "digits", "--gpu"], "run.device=VALUE"),
        (["train", "digits", "--max-epochs=3"], "train.epochs=3"),
        (["train", "digits", "--plugins", "x.py"], "--plugin"),
        (["study", "digits", "--jobs", "2"], "--workers"),
        (["train", "digits", "--dataset", "mnist"], "data=VALUE"),
        (["train", "digits", "--data=mnist"], "data=mnist"),
        (["train", "digits", "--patience", "5"], "train.early_stopping.window=VALUE"),
        (["train", "digits", "--patience=5"], "train.early_stopping.window=5"),
        (["train", "digits", "--early-stopping=5"], "train.early_stopping.window=5"),
        (["train", "digits", "--fold", "5"], "data.fold.number=VALUE data.fold.of=VALUE"),
        (["train", "digits", "--seeds", "3"], "run.seeds=[0, 1]"),
        (["train", "digits", "--classes=3"], "data.classes=[3]"),
        (["train", "digits", "--compile"], "train.compile=true"),
        (["train", "digits", "--no-test"], "evaluate.test=false"),
        (["train", "digits", "--no-augment"], "data.augment=[]"),
        (["study", "digits", "--seeds", "2"], "seeds=[0, 1]"),
        (["study", "digits", "--seeds=3"], "seeds=[0, 1, 2]"),
        (["study", "digits", "--epochs", "2"], "set.train.epochs=VALUE"),
        (["study", "digits", "--lr=2"], "set.train.optimizer.learning_rate=2"),
        (["search", "digits", "--trials", "3"], "trials=VALUE"),
        (["search", "digits", "--n-trials=3"], "trials=3"),
        (["search", "digits", "--epochs=3"], "set.train.epochs=3"),
        (["open", "--nobrowser"], "--no-browser"),
        (["open", "--no-browse"], "--no-browser"),
        (["open", "--browse"], "--browser"),
        (["loupe", "train", "digits"], "loupe train digits"),
    ],
)
def test_options_of_other_tools_are_told_what_they_are_called_here(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert f"\n  did you mean: {meant}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (["evaluate", "r", "--split", "test"], "`loupe evaluate --help` says what it takes"),
        (["evaluate", "r", "--no-test"], "leave it out: --test is off unless it is given"),
        (["evaluate", "r", "--no-json"], "leave it out: --json is off unless it is given"),
        (["table", "--format", "csv"], "`loupe table --help` says what it takes"),
        (["figures", "r", "--width", "3"], "`loupe figures --help` says what it takes"),
        (["figures", "r", "--foo"], "`loupe figures --help` says what it takes"),
        (["resume", "r", "--epochs", "3"], "`loupe resume --help` says what it takes"),
        (["train", "digits", "--train"], "`loupe train --help` says what it takes"),
        (["study", "digits", "--arms"], "`loupe study --help` says what it takes"),
    ],
)
def test_what_is_not_near_or_the_opposite_is_not_suggested(
    arguments: list[str], next_step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "did you mean" not in told
    assert told.endswith(f"  next: {next_step}\n")
    assert "section.field" not in told or arguments[0] in ("train", "study")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('recipe = "digits"\n[arms.wide]\n', "loupe study mine.toml"),
        ('data = "digits"\n', "loupe train mine.toml"),
        ('recipe = "digits"\n[space.x]\n', "loupe search mine.toml"),
        ("no TOML", "loupe train mine.toml"),
    ],
)
def test_a_file_in_the_place_of_a_verb_is_looked_into(
    text: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mine.toml").write_text(text, encoding="utf-8")
    assert main(["mine.toml"]) == 2
    assert f"\n  did you mean: {meant}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("epochs=3", "set.train.epochs"),
        ("lr=3", "set.train.optimizer.learning_rate"),
        ("train.epochs=3", "set.train"),
        ("n_trials=3", "trials"),
    ],
)
def test_a_field_of_the_recipe_is_told_its_place_in_a_search(
    change: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "digits-search", change]) == 1
    assert f"; did you mean '{meant}'?\n" in capsys.readouterr().err
