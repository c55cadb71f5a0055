"""The command line as a user meets it: real processes where start-up matters, `main` elsewhere."""

import json
import resource
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from loupe.cli import main
from loupe.data import AUGMENTATIONS, SOURCES
from loupe.models import MODELS
from loupe.recipe import list_recipes
from loupe.training import LOSSES, OPTIMIZERS, SCHEDULES

QUICK = ["train.epochs=2", "model.width=1", "data.fraction=0.3", "evaluate.look_inside=false"]


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import loupe; loupe.__version__; loupe.Recipe",
        "from loupe.cli import main; main(['--help'])",
        "from loupe.cli import main; main(['train', '--help'])",
        "from loupe.cli import main; main(['recipes'])",
    ],
)
def test_looking_around_loads_no_torch(code: str) -> None:
    assert run_python(f"{code}\nimport sys; print('torch' in sys.modules)").endswith("False\n")


@pytest.mark.thorough
@pytest.mark.parametrize("module", ["loupe.web.application", "loupe.cli.run_tables"])
def test_the_page_and_lists_load_nothing_that_fits(module: str) -> None:
    late = "{'sklearn', 'scipy.optimize', 'scipy.stats', 'pandas'}"
    assert run_python(f"import sys, {module}; print({late} & set(sys.modules))").endswith("set()\n")


@pytest.mark.thorough
def test_a_recipe_is_checked_and_its_layers_counted_without_torchs_compiler() -> None:
    """It takes about as long to import as torch itself."""
    code = "from loupe.cli import main; main(['show', 'digits'])"
    late = "{'torch._dynamo', 'requests', 'pooch', 'matplotlib'}"
    assert run_python(f"{code}\nimport sys; print({late} & set(sys.modules))").endswith("set()\n")


def measure_seconds(*arguments: str) -> float:
    """Return the processor time of a process of Python's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.thorough
def test_help_is_quick() -> None:
    """0.3 s is the goal; held to the libraries it needs in turn, as a busy machine slows both."""
    libraries, seconds = "import cyclopts, pydantic, rich.markdown", []
    for _ in range(5):
        seconds.append((measure_seconds("-m", "loupe", "--help"), measure_seconds("-c", libraries)))
    ours, theirs = map(min, zip(*seconds, strict=True))
    assert ours < 2.5 * theirs


def test_train_help_describes_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "train.epochs = 20: Passes over the training images, ≥ 1." in text
    assert "evaluate.confidence = 0.95: Level of the confidence intervals, in (0, 0.9999]." in text


def test_train_prints_the_outcome_and_the_reports_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "digits", *QUICK]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("training digits in runs/digits-")
    assert lines[1].startswith("finished after ")
    assert lines[2].startswith("best epoch ")
    assert lines[3].startswith("validation accuracy ")
    assert lines[4].startswith("test accuracy ")
    once = "this run: once; this test set on this machine: 1 look in 1 recipe"
    assert lines[5] == f"looks at the test set: {once}"
    assert Path(lines[6].removeprefix("report: ")).is_file()


def test_several_seeds_print_a_mean_with_interval(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "digits", *QUICK, "run.seeds=[1,2]"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("seed 1: test accuracy ")
    assert lines[3].startswith("mean over 2 seeds: ")
    assert "interval of the mean" in lines[3]
    assert main(["list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert "mean: " in listed[1]
    assert listed[2].strip().startswith("seed-1")


def test_list_shows_runs_and_survives_a_damaged_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "No runs in runs. `loupe train` makes one.\n"
    main(["train", "digits", *QUICK])
    (path,) = Path("runs").iterdir()
    (Path("runs") / "broken").mkdir()
    (Path("runs") / "broken" / "recipe.toml").write_text("not toml")
    (Path("runs") / "broken" / "environment.json").write_text("{}")
    capsys.readouterr()
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert path.name in text
    assert "damaged" in text
    assert main(["list", str(path)]) == 0
    listed = capsys.readouterr().out
    assert path.name in listed
    assert "damaged" not in listed
    assert main(["list", "rusn"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: There is no folder rusn.")
    assert "did you mean: runs" in error


def test_resume_of_a_finished_run_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "digits", *QUICK])
    (path,) = Path("runs").iterdir()
    capsys.readouterr()
    assert main(["resume", path.name[:-2]]) == 0
    assert f"{path.name} is finished; nothing to do." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["train", "digts"],
            "Error: There is no recipe called 'digts'.\n  got: digts\n"
            f"  allowed: {', '.join(list_recipes())}\n"
            "  did you mean: digits\n  next: `loupe recipes` says more; a path to a .toml file works too\n",
        ),
        (
            ["train", "digits", "train.epoch=3"],
            "Error: Recipe 'digits' has 1 mistake; no data was loaded.\n"
            "  - train.epoch: got an unknown field; allowed: accumulate, average_decay, batch_size, "
            "channels_last, class_weights, clean_train_images, clip_norm, compile, decay, early_stopping, "
            "epochs, freeze_later, hard_examples, label_smoothing, layer_decay, lookahead, loss, "
            "optimizer, precision, progressive_resizing, sampling, schedule, "
            "warmup_epochs; did you mean 'epochs'?\n"
            "  next: mend the lines above; `loupe train --help` describes every field\n",
        ),
        (
            ["resume", "nothing"],
            "Error: There is no run 'nothing'.\n  got: nothing\n  allowed: a run folder: none in runs\n"
            "  next: `loupe list` shows the runs\n",
        ),
        (
            ["data", "cifar"],
            "Error: There is no dataset or recipe called 'cifar'.\n  got: cifar\n"
            f"  allowed: {', '.join(sorted({*SOURCES, *list_recipes()}))}\n"
            "  did you mean: cifar10\n  next: `loupe datasets` and `loupe recipes` list them\n",
        ),
    ],
)
def test_a_mistake_is_a_message_and_no_traceback(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.err == message
    assert captured.out == ""
    assert not Path("runs").exists(), "something was left behind"


def test_show_prints_a_recipe_and_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    """C14, C15; needs no data where the shapes are known beforehand."""
    assert main(["show", "fashion-cnn"]) == 0
    text = capsys.readouterr().out
    assert 'classes = [\n    "T-shirt/top"' in text
    assert "17,813 of 17,813 parameters trained; 0.07 MiB as float32" in text
    (pooling,) = [line for line in text.splitlines() if line.startswith("pool1 ")]
    assert " – " in pooling  # no parameters: no layer that could be frozen
    assert "–: no parameters, so none that transfer.freeze or train.freeze_later could hold still" in text


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("models", MODELS.names()),
        ("datasets", SOURCES.names()),
        ("augmentations", AUGMENTATIONS.names()),
        ("optimizers", OPTIMIZERS.names()),
        ("schedules", SCHEDULES.names()),
        ("losses", LOSSES.names()),
        ("recipes", list(list_recipes())),
    ],
)
def test_lists_name_everything_with_a_line(
    what: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([what]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in names:
        (line,) = [line for line in lines if line.startswith(f"{name}  ")]
        assert len(line.removeprefix(name).strip()) > 10, "nothing is said about it"


@pytest.mark.thorough
def test_data_writes_a_card_with_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "digits", "data.augment=[]"]) == 0
    page = Path(capsys.readouterr().out.strip().removeprefix("data card: "))
    names = {path.name for path in page.parent.iterdir()}
    assert names == {"card.html", "class_balance.png", "one_per_class.png", "pixel_values.png"}
    assert "1,237" in page.read_text(encoding="utf-8"), "as the recipe divides them"
    assert main(["data", "digits"]) == 0
    assert (page.parent / "augmentations.png").is_file()


@pytest.mark.thorough
def test_compare_writes_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first", "second"):
        assert main(["train", "digits", *QUICK, f"name={name}"]) == 0
    capsys.readouterr()
    assert main(["compare", "first", "second"]) == 0
    assert capsys.readouterr().out == "comparison: comparison.html\n"
    assert "2 runs compared" in Path("comparison.html").read_text(encoding="utf-8")
    assert main(["compare", "first", "--out", "there/page.html"]) == 1
    assert capsys.readouterr().err.startswith("Error: A comparison needs two runs or more.\n  got: first\n")


@pytest.mark.parametrize(
    "arguments", [["folder", "data.path={}"], ["csv", "data.path={}"], ["arrays", "data.path={}"]]
)
def test_a_text_in_the_place_of_a_path_is_shown_shortened(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *(one.format("a" * 5000) for one in arguments)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Error: File name too long.\n  got: ")
    assert "allowed: names of up to 255 bytes" in told
    assert len(told) < 600


@pytest.mark.thorough
def test_a_plugin_model_trains(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text(
        "from torch import nn\nfrom loupe import register_model\n\n"
        '@register_model("linear")\ndef linear(*, in_channels, image_size, num_classes):\n'
        '    """A linear classifier."""\n'
        "    pixels = in_channels * image_size[0] * image_size[1]\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, num_classes))\n"
    )
    arguments = ["train", "digits", "model=linear", "train.epochs=2", "--plugin", "mine.py"]
    assert main(arguments) == 0
    assert main(["models", "--plugin", "mine.py"]) == 0
    assert "linear  A linear classifier." in capsys.readouterr().out


@pytest.mark.thorough
def test_the_page_is_served_until_ctrl_c() -> None:
    pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
    command = [sys.executable, "-u", "-m", "loupe", "open", "runs", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        address = served.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{address}api/runs", timeout=60) as answer:
            assert json.load(answer)["runs"] == []
        served.send_signal(signal.SIGINT)
        assert served.wait(30) in (0, 130)
