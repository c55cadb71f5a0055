"""Gather the lessons of docs/course into the file that the page's entry *Course* reads."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "docs" / "course"
GATHERED = ROOT / "src" / "loupe" / "web" / "page" / "course" / "lessons.js"

_PARTS = re.compile(
    r"# \d+\. (?P<title>.+?)\n\n\*\*Question\.\*\* (?P<question>.+?)\n\n(?P<code>```.+?)\n\n"
    r"\*\*Look\.\*\*\n\n(?P<look>.+?)\n\n:::\{dropdown\} Answer\n(?P<answer>.+?)\n:::\n",
    re.DOTALL,
)


def read_lesson(page: Path) -> dict[str, Any]:
    """Return a lesson: name, title, question, code, where to look, answer.

    Raises:
        ValueError: the page is not laid out as a lesson.
    """
    found = _PARTS.fullmatch(page.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{page.name}: not title, question, code, look, answer, in this order")
    look = []
    for item in re.split(r"^- ", found["look"], flags=re.MULTILINE)[1:]:
        linked = re.match(r"`(#/[^`]*)`: (.*)", _join(item), re.DOTALL)
        look.append({"address": linked[1], "words": linked[2]} if linked else {"words": _join(item)})
    code = re.findall(r"```(\w+)\n(.*?)\n```", found["code"], re.DOTALL)
    return {
        "name": page.stem,
        "title": found["title"],
        "question": _join(found["question"]),
        "code": [{"language": language, "text": text} for language, text in code],
        "look": look,
        "answer": _join(found["answer"]),
    }


def _join(text: str) -> str:
    return " ".join(text.split())


def write_script() -> str:
    """Return the page's script with all lessons."""
    lessons = [read_lesson(page) for page in sorted(COURSE.glob("[0-9]*.md"))]
    listed = json.dumps(lessons, indent=2, ensure_ascii=False)
    listed = re.sub(r'^(\s*)"(\w+)":', r"\1\2:", listed, flags=re.MULTILINE)
    head = "// Written by tools/gather_course.py from docs/course; edit those.\n// prettier-ignore\n"
    return f"{head}export const LESSONS = {listed};\n"


if __name__ == "__main__":
    GATHERED.parent.mkdir(exist_ok=True)
    GATHERED.write_text(write_script(), encoding="utf-8")
