"""Settings of a recipe that change how a network is trained, each seen to arrive."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import loupe
from loupe.data import ImageDataset
from loupe.data.augmentations.cutout import Cutout
from loupe.errors import LoupeError, ShapeError, TrainingError
from loupe.running.data_checks import find_blanking_warnings
from loupe.running.describe_data import write_card
from loupe.running.describe_schedule import plot_schedule
from loupe.training import SCHEDULES
from tests.quick_runs import StopAfter, Train, is_same_weights

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    "override",
    [
        "data.mix=mixup",
        "data.mix={name='cutmix', share_per='image'}",
        "train.average_decay=0.9",
        "train.lookahead={every=3}",
        "train.hard_examples={keep=0.5, proxy={name='mlp', widths=[8]}}",
        "train.hard_examples={proxy='mlp'}",
        "train.accumulate=3",
        "train.class_weights={'3'=2.5}",
        "train.sampling=0.5",
        "train.layer_decay=0.5",
        "data.long_tail=2",
        "data.label_noise={share=0.1}",
        "data.augment=['alternating-flip']",
        "train.optimizer={name='muon', learning_rate=0.02}",
        "train.optimizer={name='sgd', per_1024_examples=true, learning_rate=2.0}",
        "train.schedule='triangular'",
        "train.warmup_epochs=1",
        "train.precision=bfloat16",
        "train.schedule={name='plateau', patience=0, min_improvement=0.5}",
    ],
)
def test_a_setting_changes_the_weights_and_resumes_to_the_bit(train: Train, override: str) -> None:
    plain, whole = train("train.epochs=4"), train("train.epochs=4", override)
    assert not is_same_weights(plain.best_file, whole.best_file)
    stopped = train("train.epochs=4", override, observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)
    assert stopped.read_result().best == whole.read_result().best


@pytest.mark.parametrize("way", ["resize", "crop"])
def test_small_images_change_the_weights_and_resume_to_the_bit(tmp_path: Path, way: str) -> None:
    recipe = {"model": {"name": "resnet", "depth": 20}, "train": {"batch_size": 100, "clean_train_images": 0}}
    quick = ("data.fraction=0.2", "train.epochs=2", "evaluate.look_inside=false", f"run.folder={tmp_path}")
    small = f"train.progressive_resizing={{size=6, until_epoch=2, way='{way}'}}"
    plain, whole = loupe.train(recipe, *quick), loupe.train(recipe, small, *quick)
    assert not is_same_weights(plain.checkpoint_file, whole.checkpoint_file)
    stopped = loupe.train(recipe, small, *quick, observers=[StopAfter(1, KeyboardInterrupt())])
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, whole.checkpoint_file)


@pytest.mark.parametrize(
    ("size", "message"),
    [(8, "are not smaller than the others"), (6, "cannot take the small images of the first epochs")],
)
def test_small_images_that_do_not_fit_are_refused(train: Train, size: int, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        train(f"train.progressive_resizing={{size={size}, until_epoch=1}}")


def test_a_proxy_is_a_model_for_the_same_purpose() -> None:
    with pytest.raises(LoupeError) as caught:
        loupe.load_recipe("digits", ["train.hard_examples={proxy='autoencoder'}"])
    said = str(caught.value)
    assert "train.hard_examples.proxy: got 'autoencoder'; allowed: " in said
    assert "cnn, expert-net" in said
    assert "for classification, as cnn is" in str(caught.value)
    with pytest.raises(LoupeError, match=r"examples\.proxy\.name: got 'mpl'; .* did you mean 'mlp'"):
        loupe.load_recipe("digits", ["train.hard_examples={proxy='mpl'}"])
    with pytest.raises(LoupeError, match=r"train\.hard_examples\.proxy: got nothing"):
        loupe.load_recipe("digits", ["train.hard_examples={keep=0.5}"])
    with pytest.raises(LoupeError, match=r"proxy\.widths\.0: got 0; allowed: a number ≥ 1"):
        loupe.load_recipe("digits", ["train.hard_examples={proxy={name='mlp', widths=[0]}}"])


@pytest.mark.parametrize("flip", ["horizontal-flip", "alternating-flip"])
def test_mirrored_digits_are_warned_of(train: Train, flip: str) -> None:
    (warning,) = train("train.epochs=1", f"data.augment=['{flip}']").read_result().warnings
    assert warning == (
        f"{flip} mirrors training images, but a mirrored image of digits is of another class, or of none. "
        "Leave it out of data.augment."
    )


@pytest.mark.parametrize(
    ("augmentation", "share"),
    [
        ("{name='cutout', size=16}", 100),
        ("{name='padded-crop', padding=40}", None),
        ("{name='cutout', size=4}", 0),
    ],
)
def test_an_augmentation_that_leaves_no_picture_is_warned_of(
    train: Train, tmp_path: Path, augmentation: str, share: int | None
) -> None:
    """Digits have 8 x 8 pixels: the square of 16 that cutout takes by itself covers all of them."""
    change = f"data.augment=[{augmentation}]"
    told = train("train.epochs=1", change).read_result().warnings
    if share == 0:
        assert told == ()
        return
    (warning,) = told
    name = "cutout" if share else "padded-crop"
    assert warning.startswith(f"{name} leaves nothing of about {share or ''}")
    assert "is too much for 8 x 8 pixels" in warning
    assert warning in write_card("digits", [change], out=tmp_path / "cards").problems


@pytest.mark.parametrize("count", [1, 2, 65, 127, 128, 1000])
def test_images_to_try_are_of_the_whole_set_however_it_is_sorted(count: int) -> None:
    images = torch.zeros(count, 1, 8, 8, dtype=torch.uint8)
    images[-1] = torch.arange(64, dtype=torch.uint8).view(1, 8, 8)  # the only one with a picture
    dataset = ImageDataset(images, torch.zeros(count, dtype=torch.int64), ("one",), "sorted")
    recipe = loupe.load_recipe("digits", ["data.augment=[{name='cutout', size=16}]"])
    (warning,) = find_blanking_warnings(recipe, [Cutout(16)], dataset)
    assert "about 100 %" in warning


def test_an_augmentation_that_cannot_be_copied_trains(train: Train, tmp_path: Path) -> None:
    plugin = tmp_path / "held.py"
    plugin.write_text(
        "import threading\n"
        "from loupe import register_augmentation\n"
        "from loupe.data.augmentations import Augmentation\n\n\n"
        '@register_augmentation("held")\n'
        "class Held(Augmentation):\n"
        '    """Keeps a lock, which has no copy."""\n\n'
        "    def __init__(self) -> None:\n"
        "        self.lock = threading.Lock()\n\n"
        "    def draw(self, images, generator):\n"
        "        return {}\n\n"
        "    def apply(self, images, parameters):\n"
        "        return images\n"
    )
    run = train("train.epochs=1", f"run.plugins=['{plugin}']", "data.augment=['held']")
    assert run.read_result().status == "finished"


def test_channels_last_changes_nothing_beyond_rounding(train: Train) -> None:
    plain, last = train("train.epochs=1"), train("train.epochs=1", "train.channels_last=true")
    a, b = load_file(plain.best_file), load_file(last.best_file)
    for name, tensor in a.items():
        torch.testing.assert_close(tensor, b[name], atol=2e-3, rtol=0.05)
    stopped = train("train.channels_last=true", observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(stopped.path)
    assert is_same_weights(stopped.checkpoint_file, train("train.channels_last=true").checkpoint_file)


@pytest.mark.parametrize("is_quicker", [True, False])
def test_the_quicker_layout_is_taken_written_down_and_kept(
    train: Train, monkeypatch: pytest.MonkeyPatch, is_quicker: bool
) -> None:
    tried: list[bool] = []

    def time_step(step: Callable[[], None], device: torch.device) -> float:
        step()
        tried.append(True)
        return 2.0 - len(tried) if is_quicker else float(len(tried))  # the second is channels last

    monkeypatch.setattr("loupe.running.layout._time", time_step)
    wanted = train(f"train.channels_last={str(is_quicker).lower()}")
    assert not tried
    stopped = train("train.channels_last=auto", observers=[StopAfter(2, KeyboardInterrupt())])
    assert len(tried) == 2
    assert stopped.read_recipe().train.channels_last is is_quicker
    loupe.resume(stopped.path)
    assert len(tried) == 2
    assert is_same_weights(stopped.checkpoint_file, wanted.checkpoint_file)


def test_both_layouts_are_really_timed(train: Train) -> None:
    assert train("train.epochs=1", "train.channels_last=auto").read_recipe().train.channels_last in (
        True,
        False,
    )


def test_the_numbers_of_an_average_are_those_of_the_kept_weights(train: Train) -> None:
    run = train("train.average_decay=0.95")
    checkpoint = load_file(run.checkpoint_file)
    assert any(name.startswith("average.") for name in checkpoint)
    assert "moving average of the trained ones (decay 0.95)" in run.report_file.read_text(encoding="utf-8")
    result, last = run.read_result(), run.read_history()[-1]
    assert result.last.validation.accuracy == last.validation_accuracy


@pytest.mark.parametrize("model", ["{name='cnn', conv_layers=4}", "mlp", "{name='resnet', depth=20}"])
def test_every_kind_of_network_trains_in_half_precision(model: str, tmp_path: Path) -> None:
    quick = ["data.fraction=0.2", "train.epochs=1", "evaluate.look_inside=false", f"run.folder={tmp_path}"]
    run = loupe.train({"model": {}, "train": {"precision": "bfloat16"}}, f"model={model}", *quick)
    assert run.read_result().status == "finished"


def test_batches_of_one_image_are_refused_where_batch_norm_cannot_train(tmp_path: Path) -> None:
    overrides = ["model={name='resnet', depth=18}", "train.batch_size=1", f"run.folder={tmp_path}"]
    with pytest.raises(ShapeError, match="cannot train on one image at a time"):
        loupe.train({"train": {"epochs": 1}}, *overrides)
    assert not list(tmp_path.iterdir())


def test_a_warm_up_that_never_ends_is_a_mistake() -> None:
    with pytest.raises(LoupeError, match="warmup_epochs below epochs"):
        loupe.load_recipe("digits", ["train.epochs=5", "train.warmup_epochs=5"])


def test_figures_that_cannot_be_drawn_cost_no_run(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise TypeError("no such picture")

    monkeypatch.setattr("loupe.reports.inside.draw_layer_statistics", fail)
    run = train("train.epochs=1", "evaluate.look_inside=true")
    assert run.read_result().status == "finished"
    assert "figures of the inside could be drawn: TypeError: no such picture" in run.log_file.read_text()
    assert "Filters of conv1" in run.report_file.read_text(encoding="utf-8")


def test_precision_is_recorded(train: Train) -> None:
    assert train("train.epochs=1").read_environment()["precision"] == "float32"


def test_curves_for_tensorboard(train: Train) -> None:
    pytest.importorskip("tensorboard", reason="the package tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plain, run = train(), train("run.tensorboard=true")
    assert is_same_weights(plain.checkpoint_file, run.checkpoint_file), "watching changed the training"
    events = EventAccumulator(str(run.tensorboard_folder)).Reload()
    scalars = events.Scalars("accuracy/validation")
    expected = [(record.epoch, pytest.approx(record.validation_accuracy)) for record in run.read_history()]
    assert [(event.step, event.value) for event in scalars] == expected
    assert events.Tags()["graph"]
    assert events.Tags()["images"]


def test_tensorboard_goes_on_after_a_resume(train: Train) -> None:
    pytest.importorskip("tensorboard", reason="the package tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train("run.tensorboard=true", observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(run.path)
    events = EventAccumulator(str(run.tensorboard_folder)).Reload()
    assert [event.step for event in events.Scalars("loss/validation")] == [1, 2, 3]


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule_can_be_drawn(name: str, tmp_path: Path) -> None:
    required = {"step": ", every=2", "multi-step": ", drops=[2, 3]"}.get(name, "")
    recipe = loupe.load_recipe("digits", [f"train.schedule={{name='{name}'{required}}}", "train.epochs=5"])
    path = plot_schedule(recipe, tmp_path)
    assert path.name == "schedule-digits.png"
    assert path.stat().st_size > 5_000


def test_a_very_long_schedule_is_drawn_quickly(tmp_path: Path) -> None:
    plot_schedule(loupe.load_recipe("digits", ["train.epochs=1000000"]), tmp_path)


def test_a_compiler_that_fails_is_a_failed_run_and_no_traceback(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._dynamo.exc import BackendCompilerFailed

    def fail_to_compile(module: nn.Module) -> None:
        def forward(images: torch.Tensor) -> None:
            raise BackendCompilerFailed(print, RuntimeError("no C++ compiler"), None)

        module.forward = forward

    monkeypatch.setattr(nn.Module, "compile", fail_to_compile)
    with pytest.raises(TrainingError) as caught:
        train("train.compile=true")
    assert caught.value.message == "torch.compile could not compile this network here."
    assert caught.value.next_step == "set train.compile=false"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch warns of itself
def test_a_compiled_network_trains_alike(train: Train) -> None:
    try:
        plain, compiled = train("train.epochs=1"), train("train.epochs=1", "train.compile=true")
    except TrainingError as error:
        pytest.skip(f"torch.compile does not work here: {error.got}")
    a, b = load_file(plain.best_file), load_file(compiled.best_file)
    for name, tensor in a.items():
        torch.testing.assert_close(tensor, b[name], atol=2e-3, rtol=0.05)
