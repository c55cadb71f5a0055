import warnings
from io import BytesIO
from pathlib import Path

import pytest
from matplotlib import font_manager
from matplotlib.font_manager import FontEntry
from PIL import Image

from loupe.figures import style
from loupe.figures.style import new_axes, new_figure, save_figure


def test_a_path_says_the_format_and_a_buffer_is_png(tmp_path: Path) -> None:
    figure = new_figure(1, 1)
    save_figure(figure, tmp_path / "figure.svg")
    assert "<svg" in (tmp_path / "figure.svg").read_text()
    save_figure(figure, buffer := BytesIO(), dpi=50)
    assert Image.open(buffer).size == (50, 50)


def test_signs_that_no_font_has_are_no_reason_to_warn(tmp_path: Path) -> None:
    figure = new_figure(2, 1)
    new_axes(figure).set_title("arm 🎉")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(figure, tmp_path / "figure.png")


def test_installed_fonts_of_other_scripts_step_in(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = [FontEntry(name=name) for name in ("Zapfino", "WenQuanYi Micro Hei", "Noto Sans CJK JP")]
    style._find_fonts.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(font_manager.fontManager, "ttflist", fonts)
        assert style._find_fonts() == ["DejaVu Sans", "Noto Sans CJK JP", "WenQuanYi Micro Hei"]
    style._find_fonts.cache_clear()


def test_numbers_on_an_axis_are_what_they_say() -> None:
    """A loss that hardly moves is written out, not as a rest above an offset."""
    figure = new_figure(3, 2)
    axes = new_axes(figure)
    axes.plot([1, 2], [1.6104, 1.6105])
    figure.canvas.draw()
    assert axes.yaxis.get_major_formatter().get_offset() == ""
    shown = [float(one.get_text()) for one in axes.get_yticklabels() if one.get_text()]
    assert all(1.61 < one < 1.611 for one in shown)
