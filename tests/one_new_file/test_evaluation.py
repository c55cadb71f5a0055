"""An evaluation is one new file: found in report, page, `loupe evaluate`, lists, and the runs of a study."""

import json
import re
from pathlib import Path

import httpx
import pytest

import loupe
from loupe.cli import main
from loupe.errors import LoupeError, RecipeError
from loupe.evaluations import Looks, Table
from loupe.evaluations.look import Look
from loupe.plugins import trust_plugin
from loupe.runs import RunFolder
from loupe.studies.run import run_study
from tests.quick_runs import QUICK
from tests.studies.conftest import SMALL, make_study
from tests.web.conftest import serving

PLUGIN = '''
from typing import Annotated

import torch
from pydantic import Field

from loupe import register_evaluation
from loupe.evaluations import Column, Finding, Gallery, ShownImage, Table, Value


@register_evaluation(
    "confused_triples", title="Most confused triples", chapter="Triples", order=13, split="both"
)
def find_confused_triples(
    answers,
    class_names,
    most: Annotated[int, Field(ge=1, description="Triples shown, 1 or more.")] = 3,
) -> Finding:
    """Which class is taken for which two others most."""
    rows = []
    for label, name in enumerate(class_names):
        guesses = answers.predicted[(answers.labels == label) & ~answers.is_right]
        counts = torch.bincount(guesses, minlength=len(class_names))
        first, second = counts.topk(2).indices.tolist()
        rows.append((name, class_names[first], class_names[second], int(counts[[first, second]].sum())))
    rows.sort(key=lambda row: -row[3])
    columns = (*map(Column, ("true", "first", "second")), Column("images", "count"))
    table = Table("", columns, tuple(rows[:most]))
    wrong = (~answers.is_right).nonzero().flatten()[:4].tolist()
    gallery = Gallery("Some of them", tuple(ShownImage(index, "wrong", False) for index in wrong))
    sentence = f"Most confused: {rows[0][0]} with {rows[0][1]} and {rows[0][2]}."
    return Finding(sentence, [Value("images in the first triple", rows[0][3], "count")], [table, gallery])
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the one file."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "triples.py").write_text(PLUGIN, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _trusted(place: Path) -> None:
    """Each test has a state folder of its own, where nobody has trusted anything yet."""
    trust_plugin(str(place / "triples.py"))


@pytest.fixture(scope="module")
def run(place: Path) -> RunFolder:
    plugins = [str(place / "triples.py")]
    return loupe.train("digits", *QUICK, f"run.folder={place / 'runs'}", plugins=plugins)


def find(looks: Looks | None, split: str) -> Look:
    assert looks is not None
    (look,) = [one for one in looks.looks if (one.name, one.split) == ("confused_triples", split)]
    return look


def expected_rows(run: RunFolder, split: str) -> list[tuple[str, int]]:
    """True classes with the number of images taken for their two most frequent mistakes, most first."""
    confusion = getattr(run.read_result().best, split).confusion
    of_others = [
        sorted((n for j, n in enumerate(row) if j != i), reverse=True) for i, row in enumerate(confusion)
    ]
    return sorted(((str(i), sum(row[:2])) for i, row in enumerate(of_others)), key=lambda one: -one[1])[:3]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_it_is_kept_with_the_run(run: RunFolder, split: str) -> None:
    look = find(run.read_evaluations(), split)
    tables = [block for block in look.blocks if isinstance(block, Table)]
    assert [row[3] for row in tables[0].rows] == [count for _, count in expected_rows(run, split)]
    assert look.values[0].value == expected_rows(run, split)[0][1]
    assert look.sentence.startswith("Most confused: ")
    # pictures of validation images, none of test images
    assert len(look.blocks) == (2 if split == "validation" else 1)


def test_the_report_shows_it_where_it_asks_to_stand(run: RunFolder) -> None:
    page = run.report_file.read_text(encoding="utf-8")
    assert '<a href="#triples">Triples</a>' in page
    chapters = re.findall(r'<h2 id="[^"]*">(Classes|Triples|Mistakes|Predictions)</h2>', page)
    assert chapters == ["Classes", "Triples", "Mistakes", "Predictions"]
    for split in ("validation", "test"):
        assert f"<h3>Most confused triples ({split})</h3>" in page
        assert find(run.read_evaluations(), split).sentence in page
    assert page.count("Some of them") == 1


def test_the_page_serves_the_same_words(run: RunFolder) -> None:
    with serving(run.path.parent) as address:
        where = f"{address}/api/runs/{run.path.name}"
        html = httpx.get(f"{where}/sections/findings").json()["html"]
        kept = httpx.get(f"{where}/evaluations").json()["looks"]
    look = find(run.read_evaluations(), "test")
    assert "<h3>Most confused triples (test)</h3>" in html
    assert look.sentence in html
    (served,) = [one for one in kept if (one["name"], one["split"]) == ("confused_triples", "test")]
    assert served["sentence"] == look.sentence


def test_evaluate_prints_it(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run.path)]) == 0
    shown = capsys.readouterr().out
    look = find(run.read_evaluations(), "validation")
    assert "Most confused triples (validation)" in shown
    assert look.sentence in shown
    assert f"images in the first triple {look.values[0].value:.0f}" in shown
    assert "first  second  images" in shown


def test_evaluate_takes_it_for_a_run_that_knows_nothing_of_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = loupe.train("digits", *QUICK, f"run.folder={place / 'plain'}", "evaluate.test=false")
    kept = plain.read_evaluations()
    assert kept is not None
    assert "confused_triples" not in [one.name for one in kept.looks]
    named = "confused_triples:most=2"
    arguments = [
        "evaluate",
        str(plain.path),
        "--looks",
        named,
        "--json",
        "--plugin",
        str(place / "triples.py"),
    ]
    assert main([*arguments, "--report", str(place / "triples.html")]) == 0
    said = json.loads(capsys.readouterr().out)
    (look,) = said["looks"]
    assert (look["name"], look["split"], look["num_images"]) == (named, "validation", 200)
    assert len(look["blocks"][0]["rows"]) == 2
    assert look["sentence"] in (place / "triples.html").read_text(encoding="utf-8")
    assert not plain.read_openings()


def test_it_is_listed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluations", "--plugin", str(place / "triples.py")]) == 0
    shown = capsys.readouterr().out
    assert "confused_triples  Which class is taken for which two others most." in shown
    assert "most = 3  Triples shown, 1 or more." in shown


def test_a_recipe_names_it_and_its_settings(place: Path) -> None:
    plugins = [str(place / "triples.py")]
    looks = "evaluate.looks=['confused_pairs', {name='confused_triples', most=1}]"
    run = loupe.train("digits", *QUICK, looks, f"run.folder={place / 'named'}", plugins=plugins)
    kept = run.read_evaluations()
    assert kept is not None
    names = [one.name for one in kept.looks]
    assert names == ["confused_pairs", "confused_triples:most=1", "confused_triples:most=1"]
    with pytest.raises(RecipeError) as caught:
        loupe.load_recipe("digits", ["evaluate.looks=['confused_triple', {name='confused_pairs', most=0}]"])
    near, range_ = caught.value.mistakes
    assert (near.where, near.nearest) == ("evaluate.looks.0", "confused_triples")
    assert range_.where == "evaluate.looks.1.most"


def test_a_failing_one_is_worth_no_run(place: Path) -> None:
    broken = place / "broken.py"
    broken.write_text(
        "from loupe import register_evaluation\n\n"
        "@register_evaluation('broken_look')\ndef look(answers):\n"
        "    '''Fail.'''\n    return answers.nothing\n"
    )
    run = loupe.train("digits", *QUICK, f"run.folder={place / 'broken'}", plugins=[str(broken)])
    assert run.is_finished()
    kept = run.read_evaluations()
    assert kept is not None
    (look,) = [one for one in kept.looks if one.name == "broken_look"]
    where = f"({broken}, line 6)"
    assert look.failure == f"AttributeError: 'Predictions' object has no attribute 'nothing' {where}"
    assert where in run.log_file.read_text(encoding="utf-8")
    assert look.failure in run.log_file.read_text(encoding="utf-8")
    assert "Not to be had: AttributeError" in run.report_file.read_text(encoding="utf-8")


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["serial", "together"])
def test_the_runs_of_a_study_show_it(place: Path, engine: str) -> None:
    settings = {**SMALL["set"], "run": {"plugins": [str(place / "triples.py")]}}
    study = make_study(set=settings, arms={"plain": {}, "smooth": {"train": {"label_smoothing": 0.2}}})
    run_study(study, place / engine, engine=engine)
    pages = [page.read_text(encoding="utf-8") for page in (place / engine).rglob("runs/*/report.html")]
    assert len(pages) == 4
    assert all("<h3>Most confused triples (test)</h3>" in page for page in pages)


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ("@register_evaluation('Bad-Name')", "'Bad-Name'"),
        ("@register_evaluation('fine', split='train')", "split='train'"),
        ("@register_evaluation('confusion')", "look"),
    ],
)
def test_a_line_that_cannot_be_is_refused(tmp_path: Path, line: str, got: str) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(f"from loupe import register_evaluation\n\n{line}\ndef look(answers):\n    '''No.'''\n")
    with pytest.raises(LoupeError) as caught:
        loupe.load_recipe("digits", plugins=[str(file)])
    assert got in str(caught.value.got)
