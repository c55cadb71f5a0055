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
    looks = {}
    for of_most in (range(40), range(24, 64)):
        text = draw([Point(label, 0, label) for label in [*range(64), *of_most]], names)
        found = r'<g class="(k\d)" data-class="(\d+)"><title>[^<]*</title><use href="#(shape\d)"'
        looks |= {label: (colour, shape) for colour, label, shape in re.findall(found, text)}
    assert len(looks) == len(set(looks.values())) == 64


def test_of_many_classes_those_with_the_most_images_are_named() -> None:
    names = [f"class {label}" for label in range(150)]
    points = [Point(label, label % 7, label) for label in range(150)]
    points += [Point(label, 3, label) for label in range(100, 140)]
    text = draw(points, names)
    keys = re.findall(r'<button type="button" class="\w+" data-class="(\w+)"', text)
    assert keys == [*(str(label) for label in range(100, 140)), "others"]
    assert "110 others, with no more images</button>" in text
    assert text.count('<g class="others" data-class="others">') == 110
    assert text.count("<use") == 190
    assert "<title>class 3</title>" in text, "hovering still names each"


def test_no_name_lies_on_another_and_long_ones_are_cut() -> None:
    long = "ein sehr langer Klassenname der nicht mehr aufhört"
    text = draw([Point(0, 0, 0), Point(0.1, 0, 1), Point(10, 5, 2), Point(5, 9, 2)], ["left", long, long])
    placed = re.findall(r'<text class="name(?: wide)?" data-class="(\d)" x="(\d+)" y="\d+">([^<]*)<', text)
    assert [label for label, _, _ in placed] == ["2", "0"]
    assert all(len(name) <= 20 and 0 < int(x) < 720 for _, x, name in placed)
    assert f'title="{long}"' in text


def test_names_that_only_a_wide_screen_has_room_for_are_marked() -> None:
    apart = [Point(0, 0, 0), Point(0, 2.2, 1), Point(50, 50, 2)]  # about 20 of the map's pixels
    text = draw(apart, ["here", "there", "far"])
    assert re.findall(r'<text class="([^"]+)" data-class="(\d)"', text) == [
        ("name", "0"),
        ("name wide", "1"),
        ("name", "2"),
    ]


def test_one_point_is_drawn_and_text_is_escaped() -> None:
    text = draw([Point(1, 1, 0, "<b>")], ["<i>"])
    assert "<b>" not in text
    assert "<i>" not in text
    assert "nan" not in text
