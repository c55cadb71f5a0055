"""Mistakes in plugins are told with the file, the line and what would have been right; never a traceback."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from loupe.cli import main
from loupe.data import ImageDataset, build_augmentation, load_dataset
from loupe.errors import DataError, LoupeError, MetricError
from loupe.metrics import Predictions, choose_metric
from loupe.plugins import load_plugin
from tests.quick_runs import forget_plugins


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    forget_plugins()
    yield
    forget_plugins()


def write(place: Path, text: str) -> str:
    place.write_text(text, encoding="utf-8")
    return str(place)


def make_metric(body: str, given: str = "predicted", facts: str = "") -> str:
    return f"""
from loupe import register_metric

@register_metric("odd_one", unit="", better="higher"{facts})
def odd_one({given}) -> float:
    "A metric."
    {body}
"""


ANSWERS = Predictions(torch.tensor([0, 1]), torch.tensor([[2.0, 0.0], [0.0, 2.0]]))

DATASET = """
from loupe import register_dataset

@register_dataset("odd-set", image_shape=(1, 8, 8), num_classes=10, origin="nobody")
def load_odd():
    "Nothing."
    return read({})

def read(table):
    return table["images"]
"""


def test_an_error_of_a_dataset_is_told_with_file_and_line(tmp_path: Path) -> None:
    place = write(tmp_path / "set.py", DATASET)
    load_plugin(place)
    with pytest.raises(LoupeError) as caught:
        load_dataset("odd-set")
    assert caught.value.message == (
        f"Your own code broke off: KeyError in the dataset 'odd-set', {place}, line 10."
    )
    assert main(["data", "odd-set", "--plugin", place]) == 1


@pytest.mark.parametrize(
    ("images", "labels", "name", "got"),
    [
        (np.zeros((2, 1, 8, 8), np.uint8), torch.zeros(2, dtype=torch.int64), "images", "a numpy array"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), np.zeros(2, np.int64), "labels", "a numpy array"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), [0, 1], "labels", "a list"),
    ],
)
def test_a_dataset_of_anything_but_tensors_is_told_so(
    images: object, labels: object, name: str, got: str
) -> None:
    with pytest.raises(DataError) as caught:
        ImageDataset(images, labels, ("a", "b"), "mine")  # type: ignore[arg-type]
    assert caught.value.message == f"The {name} of mine must be a torch tensor."
    assert (caught.value.got, caught.value.allowed) == (got, "a torch tensor")


def test_two_files_that_register_one_name_are_both_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [write(tmp_path / f"{name}.py", make_metric(f"return {name!r}")) for name in "ab"]
    copy = write(tmp_path / "c.py", make_metric("return 'b'"))
    for place in (*files, copy):
        load_plugin(place)
    assert capsys.readouterr().err == (
        f"warning: two plugins register the metric 'odd_one': {files[0]} and {files[1]}; "
        "the later one is used\n"
    ), "a copy of one file is no matter"


def test_a_value_outside_the_bounds_is_refused(tmp_path: Path) -> None:
    place = write(tmp_path / "m.py", make_metric("return 17.0", facts=", bounds=(0, 1)"))
    load_plugin(place)
    with pytest.raises(MetricError) as caught:
        choose_metric("odd_one").compute(ANSWERS)
    assert caught.value.message == "Metric 'odd_one' gave a value outside its own bounds."
    assert str(caught.value.got) == f"17 from {place}, line 4"
    assert "0 to 1" in str(caught.value.allowed)
    assert "shares are in 0..1" in str(caught.value.allowed)
    forget_plugins()
    load_plugin(write(tmp_path / "n.py", make_metric("return 1.0000001", facts=", bounds=(0, 1)")))
    assert choose_metric("odd_one").compute(ANSWERS).value == pytest.approx(1)


def test_a_metric_that_fails_names_its_line(tmp_path: Path) -> None:
    place = write(tmp_path / "m.py", make_metric("return predicted.nothing"))
    load_plugin(place)
    with pytest.raises(MetricError) as caught:
        choose_metric("odd_one").compute(ANSWERS)
    assert caught.value.next_step == f"mend m.py, line 7 ({place})"
    assert "loupe_plugin" not in str(caught.value)


@pytest.mark.parametrize("kind", ["metric", "evaluation"])
@pytest.mark.parametrize("given", ["predictions", "predictions: 'Tensor'"])
def test_a_parameter_that_nobody_gives_is_told_with_those_that_are(
    tmp_path: Path, kind: str, given: str
) -> None:
    text = make_metric("return 0.0", given)
    if kind == "evaluation":
        text = text.replace(
            'register_metric("odd_one", unit="", better="higher")', 'register_evaluation("odd")'
        )
        text = text.replace("register_metric", "register_evaluation")
    place = write(tmp_path / "m.py", text)
    with pytest.raises(LoupeError) as caught:
        load_plugin(place)
    assert caught.value.message.endswith("asks for what nobody gives.")
    assert str(caught.value.got) == f"the parameter 'predictions' ({place}, line 4)"
    wanted = ("predicted", "labels") if kind == "metric" else ("answers", "network")
    assert all(one in str(caught.value.allowed) for one in wanted)
    if kind == "metric":
        assert caught.value.nearest == "predicted"


AUGMENTATION = """
from loupe import register_augmentation

@register_augmentation("half-made")
class HalfMade:
    "Draws, and applies nothing."

    def draw(self, images, generator):
        return images
"""


def test_an_augmentation_without_apply_is_named(tmp_path: Path) -> None:
    place = write(tmp_path / "a.py", AUGMENTATION)
    load_plugin(place)
    with pytest.raises(LoupeError) as caught:
        build_augmentation("half-made")
    assert caught.value.message == "The augmentation 'half-made' has no method apply."
    assert place in str(caught.value.got)
    assert "apply(images, draw)" in str(caught.value.allowed)


def test_the_line_of_an_error_of_syntax_is_said_once(tmp_path: Path) -> None:
    place = write(tmp_path / "syn.py", "a = 1\nb = 2\nc = = 3\n")
    with pytest.raises(LoupeError) as caught:
        load_plugin(place)
    assert str(caught.value.got) == "SyntaxError: invalid syntax (syn.py, line 3)"
    place = write(tmp_path / "run.py", "a = 1\nb = {}[a]\n")
    with pytest.raises(LoupeError) as caught:
        load_plugin(place)
    assert str(caught.value.got) == "KeyError: 1 (line 2)"


def test_facts_of_parts_read_as_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parts", "datasets"]) == 0
    shown = capsys.readouterr().out
    assert "places path and labels_path" in shown
    assert "image_shape 3 x 32 x 32" in shown
    assert "('" not in shown
    assert "describe_images" not in shown
