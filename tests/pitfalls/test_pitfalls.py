"""Every pitfall shows its mistake both ways, by its margin, and its page holds what was found."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loupe.cli import main
from loupe.errors import UnknownNameError
from loupe.linting import RULES
from loupe.pitfalls import PITFALLS, Pair, watch, write_gallery, write_pitfall

SEEDS = (0, 1, 2)
QUICK = ("unbiased-batch-norm", "loss-by-batch-size")
ASKED_FOR = (
    *(
        "picked-on-test",
        "augmented-evaluation",
        "wrong-feature-maps",
        "unbiased-batch-norm",
        "squashed-logits",
    ),
    *(
        "collapsed-autoencoder",
        "shared-weights",
        "unstratified-split",
        "loss-by-batch-size",
        "mixup-accuracy",
    ),
    *("last-weights", "two-changes", "leaking-duplicates"),
)


def test_the_gallery_has_what_was_asked_for() -> None:
    assert set(ASKED_FOR) <= set(PITFALLS)


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one in QUICK else pytest.mark.thorough) for one in ASKED_FOR]
)
def test_both_tell_tales_with_every_seed(name: str) -> None:
    pair = watch(name, SEEDS)
    gaps = [one.value - other.value for one, other in zip(pair.wrong, pair.right, strict=True)]
    assert pair.is_seen, gaps
    assert all(one.said and one.figure.axes for one in (*pair.wrong, *pair.right))


@pytest.mark.thorough
def test_the_same_seed_shows_the_same() -> None:
    first, second = (watch("picked-on-test", (4,)) for _ in range(2))
    assert (first.wrong[0].value, first.right[0].value) == (second.wrong[0].value, second.right[0].value)


@pytest.mark.parametrize("name", PITFALLS.names())
def test_rules_and_rows_that_a_pitfall_names_are_there(name: str) -> None:
    facts = PITFALLS.facts(name)
    assert set(facts["lint"]) <= set(RULES)
    assert bool(facts["lint"]) != bool(facts["no_lint"])
    for row in facts["source"].split(", "):
        assert re.fullmatch(r"D-(X|\d{3})-\d+", row)


@pytest.mark.parametrize(
    ("name", "value"),
    [("squashed-logits", 1.461), ("collapsed-autoencoder", 1.0)],
)
@pytest.mark.thorough
def test_the_wrong_way_cannot_get_below_its_bound(name: str, value: float) -> None:
    """D-004-12 and -13: no network gets below it, so neither does this one."""
    assert watch(name, (0,)).wrong[0].value >= value


class Checker(HTMLParser):
    """Collects the addresses that a page asks for, and its tags that are open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asked += [value for key, value in attrs if key in ("src", "href") and value]


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return [watch(name, (0,)) for name in QUICK]


def test_a_page_is_one_file_with_both_ways(pairs: list[Pair], tmp_path: Path) -> None:
    page = write_pitfall(pairs[0], tmp_path / "new" / "folder")
    html = page.read_text(encoding="utf-8")
    assert all(one.startswith(("data:", "#")) for one in Checker(html).asked)
    for text in (
        "Wrong",
        "Right",
        "D-002-3",
        "unbiased-variance",
        "loupe check-layer",
        "x.std(0)",
        "unbiased=False",
    ):
        assert text in html
    assert "locked test images are not touched" in html
    assert html.count("<img") == 2
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_the_index_leads_to_every_page(pairs: list[Pair], tmp_path: Path) -> None:
    index = write_gallery(pairs, tmp_path)
    links = [one for one in Checker(index.read_text(encoding="utf-8")).asked if one.endswith(".html")]
    assert {Path(one).stem for one in links} == set(QUICK)
    assert all((tmp_path / one).is_file() for one in links)


def test_the_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["pitfalls"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name}  {PITFALLS.summary(name)}" in listed for name in PITFALLS)
    assert main(["pitfalls", "--json"]) == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)["pitfalls"]} == set(PITFALLS)
    assert main(["pitfalls", "unbiased-batch-norm", "--seeds", "1"]) == 0
    assert "page: pitfalls/unbiased-batch-norm.html" in capsys.readouterr().out
    assert main(["pitfalls", "unbiased-batch-nrom"]) == 1
    assert "did you mean: unbiased-batch-norm" in capsys.readouterr().err
    assert main(["pitfalls", "unbiased-batch-norm", "--seeds", "0"]) == 1
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["pitfalls", "unbiased-batch-norm", "--seeds", "1", "--out", "file"]) == 1
    assert "cannot be made" in capsys.readouterr().err
    with pytest.raises(UnknownNameError):
        watch("no such pitfall")
