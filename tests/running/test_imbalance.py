"""What a recipe does about classes of unequal size, and what it does to make them so."""

from pathlib import Path

import pytest

from loupe.data import Dataset
from loupe.errors import LoupeError, RecipeError
from loupe.running import load_recipe
from loupe.running.describe_data import write_card
from loupe.running.plan import choose_class_weights
from loupe.running.recipe_data import load_run_splits, split_recipe_data
from loupe.running.recipe_digest import digest_recipe
from loupe.using.export_run import write_model_card
from tests.quick_runs import Train

UNEQUAL = ("data.long_tail=8",)


@pytest.mark.parametrize(
    ("stated", "weights"),
    [
        ("balanced", [0.5, 1.0, 2.0]),
        ("{'2'=4}", [1.0, 1.0, 4.0]),
        ("none", None),
    ],
)
def test_weights_of_a_recipe(stated: str, weights: list[float] | None) -> None:
    recipe = load_recipe("digits", [f"train.class_weights={stated}"])
    found = choose_class_weights(recipe, (8, 4, 2), ("0", "1", "2"))
    if weights is None:
        assert found is None
    else:
        assert found is not None
        assert [weight / found[1] for weight in found] == pytest.approx(weights)


def test_one_spelling_of_what_is_the_same() -> None:
    def digest(*changes: str) -> str:
        return digest_recipe(load_recipe("digits", changes))

    assert digest("train.class_weights=effective") == digest("train.class_weights='effective:beta=0.999'")
    assert digest("train.sampling=0") == digest("train.sampling=balanced")
    assert digest("train.sampling=1") == digest()


@pytest.mark.parametrize(
    "change",
    [
        "train.class_weights=even",
        "train.class_weights='effective:beta=1'",
        "train.class_weights={cat=-1}",
        "train.sampling=1.5",
        "train.sampling=rare",
        "data.long_tail=0.5",
        "data.label_noise={share=1}",
        "data.label_noise={share=0.1, kind='confusion'}",
    ],
)
def test_what_is_out_of_range_is_refused_by_its_field(change: str) -> None:
    with pytest.raises(RecipeError, match=change.split("=")[0].replace(".", r"\.")):
        load_recipe("digits", [change])


def test_weights_of_a_class_that_is_not_there_are_refused(train: Train) -> None:
    with pytest.raises(LoupeError, match="no class 'cat'") as refused:
        train("train.class_weights={cat=2}")
    assert refused.value.next_step == "mend train.class_weights"


def test_networks_that_name_no_class_have_no_class_weights() -> None:
    changes = ["model={name='autoencoder', widths=[8]}", "data.normalize=unit", "data.augment=[]"]
    changes += ["model.width=none", "train.label_smoothing=0", "train.class_weights=balanced"]
    with pytest.raises(RecipeError, match=r"train\.class_weights: got 'balanced'"):
        load_recipe("digits", changes)


def test_only_training_images_are_changed(digits: Dataset) -> None:
    plain = split_recipe_data(load_recipe("digits"), digits)
    noisy = load_recipe("digits", ["data.long_tail=8", "data.label_noise={share=0.2}"])
    changed = split_recipe_data(noisy, digits)
    assert changed.train.digest != plain.train.digest
    assert changed.validation.digest == plain.validation.digest
    assert changed.test.digest == plain.test.digest


def test_the_warning_names_the_fields_that_help(train: Train) -> None:
    """F4-1: imbalance was warned of, and nothing could be done."""
    warnings = " ".join(train(*UNEQUAL, "train.epochs=1").read_result().warnings)
    for field in ("train.class_weights", "train.sampling", "train.loss", "evaluate.select_by"):
        assert field in warnings
    helped = ["train.class_weights=balanced", "evaluate.select_by=balanced_accuracy", "train.epochs=1"]
    warnings = " ".join(train(*UNEQUAL, *helped).read_result().warnings)
    assert "The classes are unbalanced" in warnings
    assert "train.sampling" not in warnings


@pytest.mark.thorough
def test_what_is_done_on_purpose_is_said_in_report_and_cards(train: Train, tmp_path: Path) -> None:
    changes = ("data.long_tail=8", "data.label_noise={share=0.2, kind='pairwise'}")
    run = train(*changes, "train.epochs=1")
    card = write_card("digits", changes, out=tmp_path / "card").page
    model_card = write_model_card(run.path, tmp_path / "model.md").card
    texts = [run.report_file.read_text(encoding="utf-8"), card.read_text(encoding="utf-8")]
    texts.append(model_card.read_text(encoding="utf-8"))
    for text in texts:
        assert "data.long_tail = 8" in text
        assert "data.label_noise, pairwise, share 0.2" in text


def test_images_with_wrong_labels_are_found_again(train: Train) -> None:
    run = train("data.label_noise={share=0.3}", "train.epochs=1")
    splits = load_run_splits(run)
    assert splits.train.digest == run.read_environment()["data_digests"]["train"]


@pytest.mark.parametrize("remedy", ["train.sampling=balanced", "train.class_weights=balanced"])
def test_remedies_move_answers_towards_rare_classes(train: Train, remedy: str) -> None:
    def recall_of_rare(*changes: str) -> float:
        longer = (
            "train.epochs=6",
            "data.fraction=1.0",
            "evaluate.metrics=macro_recall",
            "evaluate.test=false",
        )
        result = train("data.long_tail=60", "data.augment=[]", *longer, *changes).read_result()
        assert result.best is not None
        return float(result.best.validation.metrics["macro_recall"].value or 0)

    assert recall_of_rare(remedy) > recall_of_rare() + 0.02


def test_several_processes_draw_the_same_balanced_batches(digits: Dataset) -> None:
    from loupe.data.batches import Shard, TrainingBatches
    from loupe.data.normalization import measure_normalization
    from loupe.runtime import Streams

    normalization = measure_normalization(digits.train.images)
    batches = TrainingBatches(digits.train, normalization, 64, Streams(1), sampling_power=0.0)
    shards = [batches.epoch(2, Shard(number, 2)) for number in range(2)]
    for whole, *parts in zip(batches.epoch(2), *shards, strict=True):
        assert sum(len(part.labels) for part in parts) == len(whole.labels)
        assert [label for part in parts for label in part.labels.tolist()] == whole.labels.tolist()
