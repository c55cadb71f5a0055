"""Filters along a training: from the random ones to the last, of a resumed run too, drawn and refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import loupe
from loupe.errors import LoupeError
from loupe.notebook.run import Run
from loupe.runs import RunFolder, load_model
from tests.quick_runs import StopAfter, Train

KEEP = "run.observers=[{name = 'filter-snapshots', every = 2}]"


def read(run: RunFolder) -> dict[int, torch.Tensor]:
    snapshots = run.read_filter_snapshots()
    assert snapshots is not None
    assert snapshots.layer == "conv1"
    return snapshots.weights


@pytest.mark.thorough
def test_the_first_are_those_before_training_and_the_last_those_of_the_checkpoint(train: Train) -> None:
    run = train(KEEP)
    kept = read(run)
    assert list(kept) == [0, 2, 3]
    checkpoint = load_file(run.checkpoint_file)
    (last,) = (one for name, one in checkpoint.items() if name.startswith("model") and "conv1.weight" in name)
    assert torch.equal(kept[3], last)
    assert not torch.equal(kept[0], kept[2])
    another = train("run.observers=filter-snapshots", "train.epochs=1", "train.optimizer.learning_rate=0.02")
    assert torch.equal(read(another)[0], kept[0]), "the same seed begins with the same weights"


def test_it_changes_no_number(train: Train) -> None:
    plain, kept = train(), train(KEEP)
    assert torch.equal(load_file(plain.best_file)["conv1.weight"], load_file(kept.best_file)["conv1.weight"])


def test_a_resumed_run_has_those_of_one_that_was_not_interrupted(train: Train) -> None:
    whole = train(KEEP)
    run = train(KEEP, observers=[StopAfter(2, KeyboardInterrupt())])
    loupe.resume(run.path)
    ours, theirs = read(run), read(whole)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[epoch], theirs[epoch]) for epoch in ours)


def test_another_layer_is_kept_and_an_unknown_one_refused(train: Train) -> None:
    run = train("run.observers=[{name = 'filter-snapshots', layer = 'conv2'}]")
    snapshots = run.read_filter_snapshots()
    assert snapshots is not None
    assert snapshots.layer == "conv2"
    with pytest.raises(LoupeError, match="conv9 has no filters to keep"):
        train("run.observers=[{name = 'filter-snapshots', layer = 'conv9'}]")


def test_dense_weights_are_drawn_as_images(train: Train) -> None:
    run = train("model=mlp", "model.widths=[8]", KEEP)
    snapshots = run.read_filter_snapshots()
    assert snapshots is not None
    assert {tuple(one.shape) for one in snapshots.shaped((1, 8, 8)).values()} == {(8, 1, 8, 8)}
    assert Run(run.path).plot_filter_history().axes


def test_the_history_is_drawn_with_a_row_an_epoch_and_how_far_filters_moved(train: Train) -> None:
    run = Run(train(KEEP).path)
    (axes,) = run.plot_filter_history().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["before", "epoch 2", "epoch 3"]
    kept = read(run)
    moved = 100 * float((kept[3] - kept[0]).norm() / kept[0].norm())
    assert [text.get_text() for text in axes.texts][-1] == f"moved {moved:.0f} %"
    _, description = load_model(run)
    assert description["in_channels"] == 1


def test_a_run_that_kept_none_says_how_to(train: Train) -> None:
    run = Run(train().path)
    assert run.read_filter_snapshots() is None
    with pytest.raises(LoupeError, match="kept no filters") as caught:
        run.plot_filter_history()
    assert "filter-snapshots" in str(caught.value.next_step)


def test_a_damaged_file_is_said(train: Train, tmp_path: Path) -> None:
    run = train(KEEP)
    save_file({"something": torch.zeros(2)}, run.filters_file)
    with pytest.raises(LoupeError, match="altered or damaged"):
        run.read_filter_snapshots()
    run.digests_file.unlink()
    run.images_file.unlink()  # as of a version that kept no digests
    with pytest.raises(LoupeError, match="missing or damaged"):
        run.read_filter_snapshots()
