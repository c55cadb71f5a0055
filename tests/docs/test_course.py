"""The course: its commands run, the page has the same lessons, and every place it names is there."""

import re
import sys
from pathlib import Path

import pytest

from loupe.recipe import list_recipes

from .pages import DOCS, ROOT, read_blocks, read_commands
from .test_tutorials import run

sys.path.insert(0, str(ROOT / "tools"))

from gather_course import GATHERED, read_lesson, write_script  # type: ignore[import-not-found]

LESSONS = sorted((DOCS / "course").glob("[0-9]*.md"))
PAGE = ROOT / "src" / "loupe" / "web" / "page"


@pytest.mark.thorough
def test_every_command_of_the_course_runs_in_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for page in LESSONS:
        for block in read_blocks(page):
            if block.file is not None:
                Path(block.file).write_text(block.text, encoding="utf-8")
            elif block.language == "bash":
                for command in read_commands(block):
                    run(command, f"{page.name}:{block.line}", capfd)
    made = {one.stem for one in Path().glob("*.svg")}
    assert made == {"network", "residual"}
    assert len(list(Path("theory").glob("*--theory-*.png"))) == 12
    assert (Path("studies") / "width" / "report.html").is_file()


def test_the_page_has_the_lessons_of_the_docs() -> None:
    assert GATHERED.read_text(encoding="utf-8") == write_script(), "python tools/gather_course.py"


def test_each_lesson_asks_and_answers_and_stands_in_the_index() -> None:
    assert len(LESSONS) == 12
    index = (DOCS / "course" / "index.md").read_text(encoding="utf-8")
    for number, page in enumerate(LESSONS, start=1):
        lesson = read_lesson(page)
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. {lesson['title']}\n")
        assert lesson["question"].endswith("?")
        assert lesson["code"]
        assert f"\n{page.stem}\n" in index


def test_every_place_that_a_lesson_names_is_one_of_the_page() -> None:
    known_pages = set(re.findall(r'name: "([\w-]+)"', (PAGE / "main.js").read_text(encoding="utf-8")))
    known_lessons = {
        name
        for file in (PAGE / "theory" / "lessons").glob("*.js")
        for name in re.findall(r'^  name: "([\w-]+)"', file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    trained: set[str] = {"width"}
    for page in LESSONS:
        lesson = read_lesson(page)
        trained |= {
            name for one in lesson["code"] for name in re.findall(r"loupe train \S+ name=(\w+)", one["text"])
        }
        for place in lesson["look"]:
            address = place.get("address")
            if address is None:
                continue
            name, *words = address.removeprefix("#/").partition("?")[0].split("/")
            assert name in known_pages, address
            assert set(words) <= trained, address
            assert set(re.findall(r"lesson=([\w-]+)", address)) <= known_lessons, address


def test_the_check_list_names_recipes_and_lessons_that_exist() -> None:
    index = (DOCS / "course" / "index.md").read_text(encoding="utf-8")
    rows = [line for line in index.splitlines() if re.match(r"\| 00\d", line)]
    asked = {re.match(r"\| (00\d)", row)[1] for row in rows}  # type: ignore[index]
    assert asked == {"002", "003", "004"}
    assert sum("question" in row for row in rows) == 3 + 5
    for row in rows:
        last = row.rstrip("| ").rpartition("| ")[2]
        named = [one for one in re.findall(r"`([^`]+)`", last) if " " not in one]
        assert set(named) <= set(list_recipes()), row
        for file in re.findall(r"\(([^)]+\.md)\)", row):
            assert (DOCS / "course" / file).is_file(), row
