"""Numbers and words as every part writes them."""

from hypothesis import given
from hypothesis import strategies as st

from loupe.wording import (
    every_of,
    measure_width,
    name_tied,
    quote_name,
    quote_word,
    shorten_apart,
    shorten_name,
    write_signed,
)


def test_zero_has_no_sign() -> None:
    assert [write_signed(one, 1) for one in (0.0, -0.0, -0.04, 0.04, 1.25, -3.0)] == [
        *("0.0", "0.0", "0.0", "0.0"),
        *("+1.2", "-3.0"),
    ]
    assert write_signed(-0.0, 0) == "0"


def test_of_one_thing_all_is_the_only_one() -> None:
    assert [every_of(count, "channel") for count in (1, 8)] == ["the only channel", "all 8 channels"]


def test_long_names_are_cut_in_the_middle_so_that_a_series_stays_apart() -> None:
    assert shorten_name("Käse & Brot") == "Käse & Brot"
    assert shorten_name("ein sehr langer Klassenname, Nummer 12", 20) == "ein sehr l…Nummer 12"
    assert shorten_name("東京" * 20, 12) == "東京東…東京"
    assert measure_width("東京 e\u0301") == 6


@given(st.text(), st.integers(3, 40))
def test_a_cut_name_is_no_wider_than_asked(name: str, most: int) -> None:
    short = shorten_name(name, most)
    assert measure_width(short) <= most
    assert short == name or "…" in short


def test_of_names_that_stand_together_what_all_have_goes_first() -> None:
    names = ["without at fraction 0.25", "without at fraction 0.5", "with at fraction 1"]
    assert shorten_apart(names, 22) == ["without … 0.25", "without … 0.5", "with at fraction 1"]
    assert shorten_apart(names, 40) == names
    assert shorten_apart(["one long name of a run"] * 2, 10) == ["one l…run"] * 2


@given(st.lists(st.text("ab 1", max_size=30)), st.integers(3, 20))
def test_names_that_differ_still_differ_when_they_are_cut(names: list[str], most: int) -> None:
    short = shorten_apart(names, most)
    assert len(set(zip(names, short, strict=True))) == len(set(short)) == len(set(names))


def test_a_name_that_a_number_could_belong_to_is_quoted() -> None:
    names = ("cat", "Wühlmaus", "東京", "3", "Glyph Y in Farbe 3", "foo_bar", "")
    quoted = ["cat", "Wühlmaus", "東京", '"3"', '"Glyph Y in Farbe 3"', '"foo_bar"', '""']
    assert [quote_name(name) for name in names] == quoted


def test_a_name_that_reads_as_a_word_of_the_sentence_is_quoted() -> None:
    names = ["with", "Without", "two-experts", "whole recipe", "3"]
    assert [quote_word(name) for name in names] == ['"with"', '"Without"', "two-experts", "whole recipe", "3"]


def test_all_that_tie_are_named_and_more_than_three_counted() -> None:
    shares = [("0", 1.0), ("1", 34 / 35), ("2", 0.5), ("3", 1.0), ("4", 1.0), ("5", 34 / 35)]
    assert name_tied(shares, 0.5) == '"2"'
    assert name_tied(shares, 34 / 35) == '"1" and "5"'
    assert name_tied(shares, 1.0) == '"0", "3" and "4"'
    assert name_tied([*shares, ("6", 1.0)], 1.0) == '"0" and 3 others'
    assert name_tied(shares, 1.0, is_quoted=False) == "0, 3 and 4"
