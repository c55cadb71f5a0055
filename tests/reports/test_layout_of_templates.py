"""Templates are laid out to be read; what is sent has none of that layout."""

import re

import pytest

from loupe.reports.page import close_up, mark_code


def test_breaks_between_blocks_vanish_and_those_in_text_are_one_space() -> None:
    page = '<ul>\n  <li>\n    1\n    <b>2</b>\n    3\n  </li>\n</ul>\n<p\n  class="soft"\n>\n  4\n</p>\n'
    assert close_up(page) == '<ul><li>1 <b>2</b> 3</li></ul><p class="soft">4</p>'


def test_an_empty_element_is_written_as_html_writes_it_and_a_drawing_as_xml_does() -> None:
    assert close_up('a<br />b<img src="x" />') == 'a<br>b<img src="x">'
    assert close_up('<svg><line x1="0" /></svg>') == '<svg><line x1="0" /></svg>'


@pytest.mark.parametrize("tag", ["pre", "script", "style"])
def test_white_space_that_counts_stays(tag: str) -> None:
    kept = f"<{tag}>\nname = 1\n\n  other = 2 <br />\n</{tag}>"
    assert close_up(f"<div>\n  {kept}\n</div>") == f"<div>{kept}</div>"


def test_no_word_is_glued_to_another() -> None:
    page = "<td>\n  12\n  <span>winner</span>\n</td>\n<td>\n  x\n</td>"
    assert re.sub(r"<[^>]*>", "|", close_up(page)) == "|12 |winner|||x|"


def test_what_stands_between_backticks_is_code_and_all_is_escaped() -> None:
    assert mark_code("`loupe <b>` & x") == "<code>loupe &lt;b&gt;</code> &amp; x"
    assert mark_code("a ` alone") == "a ` alone"
