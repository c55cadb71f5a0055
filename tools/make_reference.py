"""Write the reference from the code: verbs, fields of files, parts, and the Python functions.

usage: python tools/make_reference.py FOLDER

`make docs` does this before it builds, so the pages are always those of the code beside them.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import loupe
from loupe.classroom import describe_exercise_fields
from loupe.cli import app
from loupe.parts import KINDS, Kind
from loupe.recipe import describe_fields
from loupe.searches import describe_search_fields
from loupe.studies import describe_study_fields

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"

SECTIONS = {
    "One run": ("train", "resume", "load_recipe", "show", "load_run", "Run", "Recipe"),
    "Several seeds": ("Series", "SeriesFolder", "compare"),
    "A trained network": (
        "load_model",
        "inspect",
        "open_classifier",
        "predict",
        "evaluate_run",
        "export_run",
    ),
    "Figures, tables, drafts": ("write_figures", "gather_tables", "write_draft"),
    "Many runs": ("load_study", "run_study", "open_study", "load_search", "run_search"),
    "Pieces to use alone": (
        "load_dataset",
        "describe_data",
        "build_model",
        "check_layer",
        "LayerReport",
        "Estimate",
    ),
    "Parts of your own": (),
    "Errors": ("LoupeError",),
}
"""What stands where on the page of Python; what registers parts is found by its name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    write_reference(parser.parse_args().folder)


def write_reference(folder: Path) -> None:
    """Write the pages of the reference into a folder; what is as it was keeps its time."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"commands": commands(), "files": files(), "parts": parts(), "python": python()}
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def commands() -> str:
    """Return the page of the verbs: cyclopts' own, with a heading of ours."""
    text = app.generate_docs(output_format="markdown")
    verbs = re.split(r"^## (?=loupe )", text, flags=re.MULTILINE)[1:]
    lists = [f"- [`{verb.split()[1]}`](#loupe-{verb.split()[1]})" for verb in sorted(verbs)]
    return "\n".join(
        [
            "# Commands",
            "",
            "Each is a verb of `loupe`; `loupe VERB --help` says the same. For `train`, `study` and `search`",
            "it lists the fields of their [files](files.md) too.",
            "",
            *lists,
            "",
            *(f"## {verb.strip()}\n" for verb in sorted(verbs)),
        ]
    )


def files() -> str:
    """Return the page of what stands in the files of recipes, studies and searches."""
    kinds = (
        ("A recipe", "`loupe train FILE.toml`; any field may also follow the command: `section.field=value`.",
         describe_fields()),
        ("A study", "`loupe study FILE.toml`; see [studies](../studies.md).", describe_study_fields()),
        ("A search", "`loupe search FILE.toml`; see [searches](../searches.md).", describe_search_fields()),
        ("An exercise", "`loupe class make FILE.toml`; see [a class](../class.md).",
         describe_exercise_fields()),
    )  # fmt: skip
    lines = ["# Files", ""]
    for heading, how, fields in kinds:
        lines += [f"## {heading}", "", how, "", *write_table(("field", "default", "what it is"), fields), ""]
    return "\n".join(lines)


def parts() -> str:
    """Return the page of everything that a recipe may name, with its settings."""
    lines = [
        "# Parts",
        "",
        "What a recipe names. Settings stand beside the name: `augment = [{ name = \"cutout\", size = 8 }]`.",
        "Your own are added by one file each; see [parts of your own](../own-parts.md).",
        "",
    ]  # fmt: skip
    for kind in KINDS.values():
        lines += [f"## {kind.name}", "", f"{kind.what.capitalize()}.", ""]
        for name in kind.registry:
            lines += [*write_part(kind, name), ""]
    return "\n".join(lines)


def write_part(kind: Kind, name: str) -> Iterator[str]:
    """Yield the lines of one part: what it is, what is known of it, its settings."""
    yield from (f"### {name}", "", kind.registry.summary(name), "")
    if facts := kind.describe_facts(name):
        yield from (f"*{facts}*", "")
    if settings := list(kind.registry.describe_settings(name)):
        yield from write_table(("setting", "default", "what it is"), settings)


def write_table(headings: Iterable[str], rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Yield a Markdown table whose first two columns are code."""
    headings = list(headings)
    yield f"| {' | '.join(headings)} |"
    yield f"|{' --- |' * len(headings)}"
    for name, default, text in rows:
        shown = default if default in ("required", "left out") else f"`{escape(default)}`"
        yield f"| `{name}` | {shown} | {escape(text)} |"


def escape(text: str) -> str:
    """Return a text that does not end a cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def show_example(name: str) -> list[str]:
    """Return the lines that show the example of a public name; none if it has none of its own."""
    if not (EXAMPLES / f"{name}.py").is_file():
        return []
    return [f"```{{literalinclude}} ../examples/{name}.py", ":language: python", "```"]


def python() -> str:
    """Return the page of the public names, which Sphinx fills from their docstrings."""
    public = [name for name in loupe.__all__ if name != "__version__"]
    of_parts = [name for name in public if name.startswith("register_") or name in ("Observer", "Tracker")]
    sections = SECTIONS | {"Parts of your own": tuple(of_parts)}
    listed = [name for names in sections.values() for name in names]
    left = [name for name in public if name not in listed]
    if left:
        sections["More"] = tuple(left)
    lines = [
        "# Python",
        "",
        "`import loupe` is quick: what is heavy is loaded when it is used. A run may be given as a path, as",
        "its name inside `runs/`, or as what `loupe.train` returned.",
        "",
    ]
    for heading, names in sections.items():
        lines += [f"## {heading}", ""]
        for name in names:
            is_class = isinstance(getattr(loupe, name), type)
            kind = "autoclass" if is_class else "autofunction"
            lines += [
                "```{eval-rst}",
                f".. {kind}:: loupe.{name}",
                *(["   :members:"] if is_class else []),
                "```",
                "",
            ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
