"""Numbers and words as every part writes them."""

from loupe.wording import write_signed


def test_zero_has_no_sign() -> None:
    assert [write_signed(one, 1) for one in (0.0, -0.0, -0.04, 0.04, 1.25, -3.0)] == [
        *("0.0", "0.0", "0.0", "0.0"),
        *("+1.2", "-3.0"),
    ]
    assert write_signed(-0.0, 0) == "0"
