import re

from loupe.reports.scatter import Point, draw_scatter


def draw(points: list[Point], names: list[str]) -> str:
    return str(draw_scatter(points, names, title="Map", axes=("first", "second")))


def test_both_axes_have_one_scale_and_everything_lies_inside() -> None:
    text = draw([Point(0, 0, 0), Point(10, 0, 0), Point(0, 5, 1, "b, taken for a")], ["a", "b"])
    places = [
        (float(x), float(y)) for x, y in re.findall(r'<use href="#shape\d" x="([\d.]+)" y="([\d.]+)"', text)
    ]
    (left, low), (right, _), (_, high) = places
    assert right - left == 2 * (low - high)
    width, height = map(int, re.search(r'<svg viewBox="0 0 (\d+) (\d+)" role', text).groups())
    assert all(0 < x < width and 0 < y < height for x, y in places)
    assert text.count('class="ring"') == 1
    assert "<title>b, taken for a</title>" in text


def test_64_classes_differ_in_colour_or_shape() -> None:
    names = [f"class {label}" for label in range(64)]
    text = draw([Point(label, 0, label) for label in range(64)], names)
    looks = re.findall(r'<g class="(k\d)" data-class="\d+"><title>[^<]*</title><use href="#(shape\d)"', text)
    assert len(set(looks)) == 64


def test_one_point_is_drawn_and_text_is_escaped() -> None:
    text = draw([Point(1, 1, 0, "<b>")], ["<i>"])
    assert "<b>" not in text
    assert "<i>" not in text
    assert "nan" not in text
