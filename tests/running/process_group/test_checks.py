"""What several processes are refused for, before data and after."""

import pytest
import torch

from loupe.data import Dataset
from loupe.data.batches import EvaluationBatches, TrainingBatches
from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, RecipeError, ShapeError
from loupe.models import build_model
from loupe.running import load_recipe
from loupe.running.process_group.checks import choose_threads, describe_group, refuse_small_shards
from loupe.runtime import Streams, count_cores

NORMALIZATION = Normalization((0.3,), (0.3,))


def refuse(*overrides: str) -> str:
    with pytest.raises(LoupeError) as caught:
        load_recipe("digits", ["run.device=cpu", *overrides])
    return str(caught.value)


def test_more_processes_than_images_in_a_batch() -> None:
    assert refuse("run.processes=5", "train.batch_size=4") == (
        "There are more processes than images in a batch.\n  got: run.processes=5, train.batch_size=4\n"
        "  allowed: an image or more of every batch for each process\n  next: set run.processes=4 or fewer"
    )


def test_hard_examples_are_found_by_one_process() -> None:
    hard = "train.hard_examples={keep=0.5, proxy={name='mlp', widths=[4]}}"
    assert refuse("run.processes=2", hard) == (
        "The hardest images of a batch are found by one process.\n"
        "  got: run.processes=2 with train.hard_examples\n  allowed: one of the two\n"
        "  next: set run.processes=1, or train.hard_examples=none"
    )


def test_no_process_is_a_mistake_of_form() -> None:
    with pytest.raises(RecipeError, match=r"run\.processes: got 0"):
        load_recipe("digits", ["run.processes=0"])


def test_without_fabric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loupe.running.process_group.checks.importlib.util.find_spec", lambda name: None)
    assert refuse("run.processes=2") == (
        "Several processes for one run need Fabric, which is not installed.\n  got: run.processes=2\n"
        "  allowed: the extra `fabric`, or one process\n"
        "  next: pip install 'loupe-bench[fabric]', or set run.processes=1"
    )
    load_recipe("digits", ["run.processes=1"])


@pytest.mark.parametrize("device", ["mps", "cuda:1"])
def test_devices_that_cannot_be_shared(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loupe.running.process_group.checks.choose_device", lambda name: torch.device(device))
    assert refuse("run.processes=2") == (
        f"Several processes cannot share the device {device!r}.\n  got: run.processes=2, run.device=cpu\n"
        "  allowed: run.device=cpu, or cuda with a GPU for each process\n"
        "  next: set run.device=cpu, or run.processes=1"
    )


def test_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loupe.running.process_group.checks.choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert refuse("run.processes=3").startswith(
        "There are more processes than GPUs.\n  got: run.processes=3, 2 GPU(s)\n"
    )
    load_recipe("digits", ["run.device=cpu", "run.processes=2"])


@pytest.mark.parametrize(
    ("images", "batch_size", "processes", "error"),
    [
        (67, 64, 4, LoupeError),  # three left over
        (67, 64, 3, ShapeError),  # one for each: no spread for batch norm
        (68, 64, 2, None),
        (65, 64, 2, None),  # the one left over joins the batch before it
        (67, 64, 1, None),
    ],
)
def test_every_process_gets_images_of_every_batch(
    digits: Dataset, images: int, batch_size: int, processes: int, error: type[LoupeError] | None
) -> None:
    train = TrainingBatches(digits.train.select(torch.arange(images)), NORMALIZATION, batch_size, Streams(0))
    validation = EvaluationBatches(digits.train.select(torch.arange(50)), NORMALIZATION)
    resnet = build_model("resnet", in_channels=1, image_size=(8, 8), num_classes=10, depth=18)
    if error is None:
        refuse_small_shards(resnet, train, validation, processes)
        return
    with pytest.raises(error) as caught:
        refuse_small_shards(resnet, train, validation, processes)
    assert type(caught.value) is error
    assert f"run.processes={processes}, 3 images in the smallest batch" in str(caught.value)


def test_a_network_without_batch_norm_may_get_single_images(digits: Dataset) -> None:
    train = TrainingBatches(digits.train.select(torch.arange(67)), NORMALIZATION, 64, Streams(0))
    mlp = build_model("mlp", in_channels=1, image_size=(8, 8), num_classes=10)
    refuse_small_shards(mlp, train, EvaluationBatches(train.dataset, NORMALIZATION), 3)


def test_what_is_said_of_a_team() -> None:
    mlp = build_model("mlp", in_channels=1, image_size=(8, 8), num_classes=10)
    resnet = build_model("resnet", in_channels=1, image_size=(8, 8), num_classes=10, depth=18)
    assert describe_group(mlp, 1) == ()
    assert describe_group(mlp, 2) == ("trained by 2 processes, each on its share of every batch",)
    assert describe_group(resnet, 2)[1].startswith("batch norm: each process normalised its share by itself")


def test_threads_are_shared_out() -> None:
    assert choose_threads(load_recipe("digits")) is None
    assert choose_threads(load_recipe("digits", ["run.threads=3", "run.processes=2"])) == 3
    shared = choose_threads(load_recipe("digits", ["run.processes=2", "run.device=cpu"]))
    assert shared == max(1, count_cores() // 2)
