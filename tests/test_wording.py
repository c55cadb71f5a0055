"""Numbers and words as every part writes them."""

from loupe.wording import name_tied, write_signed


def test_zero_has_no_sign() -> None:
    assert [write_signed(one, 1) for one in (0.0, -0.0, -0.04, 0.04, 1.25, -3.0)] == [
        *("0.0", "0.0", "0.0", "0.0"),
        *("+1.2", "-3.0"),
    ]
    assert write_signed(-0.0, 0) == "0"


def test_all_that_tie_are_named_and_more_than_three_counted() -> None:
    shares = [("0", 1.0), ("1", 34 / 35), ("2", 0.5), ("3", 1.0), ("4", 1.0), ("5", 34 / 35)]
    assert name_tied(shares, 0.5) == "2"
    assert name_tied(shares, 34 / 35) == "1 and 5"
    assert name_tied(shares, 1.0) == "0, 3 and 4"
    assert name_tied([*shares, ("6", 1.0)], 1.0) == "0 and 3 others"
