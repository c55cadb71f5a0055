"""Mistakes in plugins are told with the file, the line and what would have been right; never a traceback."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import loupe
from loupe import load_recipe
from loupe.cli import main
from loupe.data import ImageDataset, load_dataset
from loupe.errors import DataError, LoupeError, MetricError
from loupe.metrics import Predictions, choose_metric
from loupe.parts import KINDS
from loupe.pitfalls.registry import TellTale
from loupe.plugins import load_plugin
from loupe.statistics import Interval
from tests.quick_runs import QUICK, forget_plugins


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


def test_a_file_that_a_dataset_misses_is_told_with_its_line(tmp_path: Path) -> None:
    text = DATASET.replace('table["images"]', 'open("/no/such/images.bin")')
    place = write(tmp_path / "set.py", text)
    load_plugin(place)
    with pytest.raises(LoupeError, match="FileNotFoundError in the dataset 'odd-set'") as caught:
        load_dataset("odd-set")
    assert "images.bin" in str(caught.value.got)


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


@pytest.mark.parametrize(
    ("body", "got"),
    [
        ("return 'high'", "ValueError: could not convert string to float: 'high'"),
        ("return predicted.double()", "ValueError: only one element tensors can be converted"),
        ("from loupe import Estimate; return Estimate(None)", "TypeError: float() argument"),
        ("from loupe import Estimate; return Estimate(0.5, 0.1)", "TypeError: cannot unpack"),
    ],
)
def test_what_is_no_number_is_refused_under_the_metrics_name(tmp_path: Path, body: str, got: str) -> None:
    load_plugin(write(tmp_path / "m.py", make_metric(body)))
    with pytest.raises(MetricError, match="Metric 'odd_one' cannot be computed") as caught:
        choose_metric("odd_one").compute(ANSWERS)
    assert got in str(caught.value.got)


def test_an_interval_outside_the_bounds_is_refused_and_a_pair_is_one(tmp_path: Path) -> None:
    body = "from loupe import Estimate; return Estimate(0.5, (0.4, {}))"
    load_plugin(write(tmp_path / "m.py", make_metric(body.format(0.6), facts=", bounds=(0, 1)")))
    assert choose_metric("odd_one").compute(ANSWERS).interval == Interval(0.4, 0.6)
    load_plugin(write(tmp_path / "n.py", make_metric(body.format(60), facts=", bounds=(0, 1)")))
    with pytest.raises(MetricError, match="outside its own bounds"):
        choose_metric("odd_one").compute(ANSWERS)


REGISTER = {kind.registry.kind: "register_" + kind.registry.kind.replace(" ", "_") for kind in KINDS.values()}


@pytest.mark.parametrize("name", ["two words", "a/b", "../up", "", "-dash", "none?", 3, None])
@pytest.mark.parametrize("kind", REGISTER)
def test_a_name_that_cannot_be_one_is_refused_of_every_kind(kind: str, name: object) -> None:
    facts = {"metric": {"unit": "", "better": "higher"}, "explanation": {"is_signed": True}}
    facts["export format"] = {"suffix": ".x", "runtime": "torch"}
    facts["rule"] = dict.fromkeys(("why", "fix"), "")
    words = ("title", "rule", "source", "looks", "in_loupe", "lint")
    facts["pitfall"] = {**dict.fromkeys(words, ""), "tell_tale": TellTale("accuracy", "percent", 0.1)}
    with pytest.raises(LoupeError, match=r"cannot be called|cannot be registered|without a name"):
        getattr(loupe, REGISTER[kind])(name, **facts.get(kind, {}))


@pytest.mark.parametrize("kind", ["model", "optimizer", "loss", "augmentation", "tracker", "observer"])
def test_a_decorator_without_brackets_is_refused(kind: str) -> None:
    with pytest.raises(LoupeError, match=f"{kind} is registered without a name"):
        getattr(loupe, REGISTER[kind])(lambda: None)


def test_reserved_words_are_no_metrics_name(tmp_path: Path) -> None:
    place = write(tmp_path / "m.py", make_metric("return 0.0").replace('"odd_one"', '"loss"'))
    with pytest.raises(LoupeError, match="Metric 'loss' cannot be registered like that"):
        load_plugin(place)


HALF = """
import loupe
from loupe import {register}

@{register}("half-made"{facts})
class Half:
    "Can do nothing."
"""


@pytest.mark.parametrize(
    ("kind", "facts", "method"),
    [
        ("augmentation", "", "draw or plan_epoch"),
        ("mix", "", "draw"),
        ("optimizer", "", "step"),
        ("tracker", "", "start"),
        ("observer", "", "on_fit_start"),
        ("explanation", ", is_signed=True", "attribute"),
        ("export format", ", suffix='.x', runtime='torch'", "write"),
    ],
)
def test_a_class_that_lacks_a_method_is_refused_where_it_is_registered(
    tmp_path: Path, kind: str, facts: str, method: str
) -> None:
    place = write(tmp_path / "half.py", HALF.format(register=REGISTER[kind], facts=facts))
    with pytest.raises(LoupeError) as caught:
        load_plugin(place)
    assert caught.value.message.startswith(f"The {kind} 'half-made' has no method {method}")
    assert caught.value.got == f"{place}, line 5"


BUILDER = """
from loupe import register_schedule, register_optimizer, register_loss

@register_schedule("odd")
def schedule(*, num_epochs, steps_per_epoch):
    "Returns nothing."
    BODY

@register_optimizer("odd")
def optimizer(parameters):
    "Returns nothing."
    BODY

@register_loss("odd")
def loss():
    "Returns nothing."
    BODY
"""


@pytest.mark.parametrize(("kind", "line"), [("schedule", 7), ("optimizer", 12), ("loss", 17)])
def test_a_builder_that_fails_or_builds_nothing_is_told_before_data_is_loaded(
    tmp_path: Path, kind: str, line: int
) -> None:
    place = write(tmp_path / "none.py", BUILDER.replace("BODY", "return None"))
    with pytest.raises(LoupeError, match=rf"The {kind} 'odd' (cannot be called|has no method)"):
        load_recipe("digits", [f"train.{kind}=odd", "train.label_smoothing=0"], plugins=[place])
    forget_plugins()
    place = write(tmp_path / "fails.py", BUILDER.replace("BODY", "return {}['rate']"))
    with pytest.raises(LoupeError, match=rf"KeyError in the {kind} 'odd', .*fails\.py, line {line}"):
        load_recipe("digits", [f"train.{kind}=odd", "train.label_smoothing=0"], plugins=[place])


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
    with pytest.raises(LoupeError) as caught:
        load_recipe("digits", ["data.augment=half-made"], plugins=[place])
    assert caught.value.message == "The augmentation 'half-made' has no method apply."
    assert caught.value.got == f"{place}, line 4"
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
    assert "places" not in shown
    assert "image_shape 3 x 32 x 32" in shown
    assert "('" not in shown
    assert "describe_images" not in shown


@pytest.mark.parametrize("kind", KINDS)
def test_contributing_names_all_that_a_part_is_asked(kind: str) -> None:
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    registry = KINDS[kind].registry
    asked = [one for method in registry._methods for one in method.split(" or ") if one not in UNSAID]
    assert f"@{REGISTER[registry.kind]}(" in text
    assert [name for name in (*asked, *registry._given) if f"`{name}" not in text] == []


UNSAID = ("__call__", "step", "zero_grad")  # of functions, and of torch's own optimizers


def test_a_mix_need_not_say_when_it_ends(tmp_path: Path) -> None:
    text = """
from loupe import register_mix

@register_mix("own-mix")
class OwnMix:
    "Fades every image a little into the one before it."

    def draw(self, images, generator):
        return 0.9

    def apply(self, images, targets, draw):
        return images.lerp(images.roll(1, 0), 1 - draw), targets.lerp(targets.roll(1, 0), 1 - draw)
"""
    overrides = (*QUICK, "train.epochs=1", "data.mix=own-mix", f"run.folder={tmp_path / 'runs'}")
    run = loupe.train("digits", overrides, plugins=write(tmp_path / "mix.py", text))
    assert len(run.read_history()) == 1
