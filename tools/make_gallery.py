"""Make docs/gallery.md and its pictures from real runs on the digits that ship with Loupe.

usage: python tools/make_gallery.py

Trains two networks (a minute on two CPU cores), looks inside them as `loupe inspect` does, photographs the
pages of `loupe open` (some minutes more), and keeps the pictures beside the page. Run it again when a figure
or a page changes.
"""

import shutil
import tempfile
from pathlib import Path

from photograph_page import photograph_all

import loupe
from loupe.runs import RunFolder
from loupe.using.inspect_run import inspect_run

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = DOCS / "gallery"

EXPERTS = (
    "digits",
    *("model=expert-net", "model.blocks=3", "model.experts=3", "model.width=16"),
    *("train.epochs=12", "name=digit-experts"),
)


class Gallery:
    """The page while it grows."""

    def __init__(self) -> None:
        self._lines = [
            "# Gallery",
            "",
            "Made by `python tools/make_gallery.py` from real runs on the digits that ship with Loupe.",
            "",
        ]

    def add(self, heading: str, text: str, command: str, picture: Path, name: str) -> None:
        """Add a picture with what it shows and the command that draws it."""
        shutil.copyfile(picture, PICTURES / f"{name}.png")
        picture_line = f"![{heading}](gallery/{name}.png)"
        self._lines += [f"## {heading}", "", text, "", f"`{command}`", "", picture_line, ""]

    def add_pages(self) -> None:
        """Add a sheet for each page of `loupe open`: three widths, light and dark."""
        text = "At 1400, 900 and 420 pixels, light and dark; cut off below."
        self._lines += ["## The page", "", f"{text}", "", "`loupe open`", ""]
        for page in photograph_all(PICTURES):
            picture_line = f"![{page.heading}](gallery/{page.name}.webp)"
            self._lines += [f"### {page.heading}", "", page.text, "", picture_line, ""]

    def write(self) -> None:
        (DOCS / "gallery.md").write_text("\n".join(self._lines), encoding="utf-8")


def inspect(run: RunFolder, folder: Path, **choices: object) -> Path:
    """Return the folder of pictures of one look inside."""
    return inspect_run(run.path, out=folder, **choices).parent  # type: ignore[arg-type]  # as on the command line


def make(folder: Path) -> None:
    digits = loupe.train("digits", f"run.folder={folder}")
    experts = loupe.train(*EXPERTS, f"run.folder={folder}")
    gallery = Gallery()
    whole = inspect(digits, folder / "whole")
    gallery.add(
        "Filters",
        "The first convolution of the `digits` recipe. One scale for all, so that shades can be compared.",
        "loupe inspect digits",
        whole / "filters-conv1.png",
        "filters",
    )
    one = inspect(digits, folder / "one", class_name="3", layers=["relu1"])
    gallery.add(
        "Feature maps of one image",
        "Every channel once, exactly as the network computed it.",
        "loupe inspect digits --class 3 --layer relu1",
        one / "maps-relu1.png",
        "feature-maps",
    )
    gallery.add(
        "Feature maps of every class",
        "A row an image, a column a channel.",
        "loupe inspect digits",
        whole / "maps-relu2.png",
        "maps-by-class",
    )
    gallery.add(
        "From first layer to last",
        "How sparse, how dead, how selective: that deeper layers are more abstract, as a number.",
        "loupe inspect digits",
        whole / "layer-statistics.png",
        "layer-statistics",
    )
    number = inspect(digits, folder / "number", class_name="3", number="conv2,5,4,4")
    gallery.add(
        "The arithmetic of one number",
        "The pixels it sees, window times weights, the sum, the bias, and what the next layers make of it.",
        "loupe inspect digits --class 3 --number conv2,5,4,4",
        number / "number-conv2-5-4-4.png",
        "arithmetic",
    )
    gallery.add(
        "Gates",
        "Which expert an expert net asks for which class.",
        "loupe inspect digit-experts",
        inspect(experts, folder / "experts") / "gates.png",
        "gates",
    )
    methods = ["grad-cam", "occlusion", "integrated-gradients", "guided-backprop"]
    gallery.add(
        "Why this class",
        "Four methods on the same images.",
        "loupe inspect digits " + " ".join(f"--why {method}" for method in methods),
        inspect(digits, folder / "why", why=methods) / "reasons.png",
        "reasons",
    )
    gallery.add(
        "A schedule",
        "Learning rate and momentum over the training, before anything is trained.",
        "loupe show six-block-cifar10 --plot",
        draw_schedule(folder),
        "schedule",
    )
    gallery.add_pages()
    gallery.write()


def draw_schedule(folder: Path) -> Path:
    """Return the picture of a packaged recipe's schedule."""
    from loupe.running.describe_schedule import plot_schedule

    return plot_schedule(loupe.load_recipe("six-block-cifar10"), folder)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary))
    print(f"wrote {DOCS / 'gallery.md'}")
