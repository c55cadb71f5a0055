"""What differs in the first epochs: said in the run's record, and refused where it cannot be trained."""

from pathlib import Path

import pytest

import loupe
from loupe.errors import LoupeError
from loupe.publishing import write_draft
from loupe.runs import RunFolder
from loupe.using.export_run import write_model_card

pytestmark = pytest.mark.thorough

RECIPE = {
    "data": {"fraction": 0.2},
    "model": {"name": "fast-net", "widths": [4, 6]},
    "train": {"epochs": 3, "batch_size": 50, "clean_train_images": 0},
    "evaluate": {"look_inside": False, "looks": [], "test": False},
}


def train(folder: Path, *overrides: str) -> RunFolder:
    return loupe.train(RECIPE, *overrides, f"run.folder={folder}")


def test_the_record_says_when_images_grow_and_layers_stop(tmp_path: Path) -> None:
    run = train(
        tmp_path,
        "train.progressive_resizing={size=6, until_epoch=2, way='crop'}",
        "train.freeze_later={layers=['whitening', 'group1', 'logits'], after_epoch=[1, 2, 3]}",
    )
    result = run.read_result()
    assert result is not None
    notes = [
        "images of 6 x 6 pixels until epoch 2 of 3, as windows at random places",
        "stops training after epoch 1 of 3: whitening",
        "stops training after epoch 2 of 3: group1",
        "never stops training, its last epoch being 3 of 3: logits",
    ]
    assert [note for note in result.notes if "epoch" in note] == notes
    log = run.log_file.read_text()
    page = run.report_file.read_text()
    assert all(note in log and note in page for note in notes)
    assert not result.warnings


def test_the_record_names_each_size_of_growing_images(tmp_path: Path) -> None:
    result = train(tmp_path, "train.progressive_resizing={size=[5, 6], until_epoch=[1, 2]}").read_result()
    assert result is not None
    assert [note for note in result.notes if "epoch" in note] == [
        "images of 5 x 5 pixels until epoch 1 of 3",
        "images of 6 x 6 pixels until epoch 2 of 3",
    ]
    assert not result.warnings


def test_one_size_in_a_list_is_that_size() -> None:
    listed, single = (
        loupe.load_recipe(RECIPE, [f"train.progressive_resizing={{size={size}, until_epoch={last}}}"])
        for size, last in (([6], [2]), (6, 2))
    )
    assert listed == single


def test_model_card_and_draft_say_what_the_first_epochs_had(tmp_path: Path) -> None:
    run = train(
        tmp_path,
        "train.progressive_resizing={size=6, until_epoch=2}",
        "train.freeze_later={layers=['group1'], after_epoch=2}",
        "train.hard_examples={keep=0.5, proxy={name='fast-net', widths=[4, 4]}}",
    )
    card = write_model_card(run.path, tmp_path / "model.md").card.read_text(encoding="utf-8")
    draft = write_draft(run.path, "markdown", out=tmp_path / "draft").file.read_text(encoding="utf-8")
    for note in ("images of 6 x 6 pixels until epoch 2 of 3", "stops training after epoch 2 of 3: group1"):
        assert f"- {note}\n" in card
        assert draft.replace("\n", " ").count(note) == 1
    assert "on the hardest 50 % of each batch" in card
    assert "Of each batch, the hardest 50 % are trained on, as a small network (fast-net) finds them" in draft


def test_a_run_that_never_sees_whole_images_says_so(tmp_path: Path) -> None:
    result = train(tmp_path, "train.progressive_resizing={size=6, until_epoch=9}").read_result()
    assert result is not None
    (warning,) = result.warnings
    assert "all 3 have 6 x 6 pixels, while accuracy is measured on 8 x 8" in warning
    growing = "train.progressive_resizing={size=[5, 6], until_epoch=[1, 9]}"
    (warning,) = loupe.train(RECIPE, growing, f"run.folder={tmp_path}").read_result().warnings  # type: ignore[union-attr]
    assert "the last has 6 x 6 pixels, while accuracy is measured on 8 x 8" in warning


@pytest.mark.parametrize(
    "overrides",
    [
        ("train.freeze_later={layers=['whitening', 'group1', 'group2', 'logits'], after_epoch=2}",),
        (
            "transfer={run='RUN', freeze='all'}",
            "train.freeze_later={layers=['logits'], after_epoch=2}",
        ),
    ],
)
def test_a_network_of_which_nothing_would_train_is_refused_before_it_trains(
    overrides: tuple[str, ...], tmp_path: Path
) -> None:
    before = train(tmp_path, "train.epochs=1")
    count = len(list(tmp_path.iterdir()))
    with pytest.raises(LoupeError, match="Nothing of the network would train after epoch 2"):
        train(tmp_path, *(one.replace("RUN", str(before.path)) for one in overrides))
    assert len(list(tmp_path.iterdir())) == count


def test_a_proxy_that_cannot_take_small_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoupeError, match=r"This proxy of train.hard_examples cannot take the small images"):
        train(
            tmp_path,
            "train.progressive_resizing={size=6, until_epoch=2}",
            "train.hard_examples={keep=0.5, proxy='mlp'}",
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "layers", [["group1", "group1"], ["group1", "group1.conv1"], ["group1.conv1", "group1"]]
)
def test_a_layer_stops_once(layers: list[str]) -> None:
    with pytest.raises(LoupeError, match=r"layers: got .*; allowed: each layer once; group1"):
        loupe.load_recipe(RECIPE, [f"train.freeze_later={{layers={layers}, after_epoch=1}}"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.freeze_later={layers='group1', after_epoch=1}", "got 'group1'; allowed: a list in brackets"),
        ("train.freeze_later={layers=[], after_epoch=1}", "allowed: at least 1 item"),
        ("train.freeze_later={layers=[3], after_epoch=1}", "layers.0: got 3; allowed: a text"),
        ("train.freeze_later=group1", "got 'group1'; allowed: a table of fields: after_epoch, layers"),
        ("train.progressive_resizing=4", "got 4; allowed: a table of fields: size, until_epoch, way"),
        (
            "train.progressive_resizing={size=0, until_epoch=1}",
            "size: got 0; allowed: a whole number from 1 to 10000, or",
        ),
        (
            "train.progressive_resizing={size=4, until_epoch=1000000001}",
            "until_epoch: got 1000000001; allowed: a whole number from 1 to 1000000000, or a list of them",
        ),
        (
            "train.progressive_resizing={size=[], until_epoch=1}",
            "size: got []; allowed: a whole number from 1",
        ),
        (
            "train.progressive_resizing={size=true, until_epoch=1}",
            "size: got true; allowed: a whole number from",
        ),
        (
            "train.progressive_resizing={size=[4, 6], until_epoch=[2, 2]}",
            "until_epoch: got [2, 2]; allowed: a whole number from 1 to 1000000000, or a list of them",
        ),
        (
            "train.progressive_resizing={size=[4, 6], until_epoch=2}",
            "until_epoch with one epoch for each size; it has 1, and size has 2",
        ),
        (
            "train.freeze_later={layers=['group1'], after_epoch=1000000001}",
            "after_epoch: got 1000000001; allowed: a whole number from 1 to 1000000000, or a list",
        ),
    ],
)
def test_a_wrong_value_is_told_in_the_words_of_its_field(override: str, message: str) -> None:
    with pytest.raises(LoupeError) as caught:
        loupe.load_recipe(RECIPE, [override])
    assert message in str(caught.value)
    assert "1 mistake" in str(caught.value)


def test_a_layer_without_parameters_is_told_apart_from_none() -> None:
    with pytest.raises(LoupeError, match=r"Layer 'relu1' has no parameters to freeze\.\n  got: relu1"):
        loupe.load_recipe("digits", ["train.freeze_later={layers=['relu1'], after_epoch=1}"])
    with pytest.raises(LoupeError, match=r"There is no layer 'relu9' to freeze\."):
        loupe.load_recipe("digits", ["train.freeze_later={layers=['relu9'], after_epoch=1}"])


def test_equal_epochs_one_by_one_are_the_same_recipe() -> None:
    layers = "train.freeze_later={layers=['whitening', 'group1'], after_epoch="
    one, each = (loupe.load_recipe(RECIPE, [f"{layers}{after}}}"]) for after in ("2", "[2, 2]"))
    assert one == each
