"""Recipes and runs."""

from collections.abc import Iterator

from loupe.linting.record import Record
from loupe.linting.registry import register_rule
from loupe.linting.violation import RecordHit
from loupe.recipe.data_section import Normalization

_WRONG_STD = (0.2023, 0.1994, 0.2010)
_WRONG_PRESET = "cifar10-per-image-sd"
_FEW = 100


@register_rule(
    "recipe-wrong-std",
    source="D-X-1",
    why="Pixels are divided by a deviation that is not CIFAR-10's: inputs are 22 to 30 % too large.",
    fix='data.normalize = "measured", or "cifar10"',
)
def find_wrong_std(record: Record) -> Iterator[RecordHit]:
    """A recipe with the well-known wrong standard deviation of CIFAR-10."""
    stated = record.recipe.data.normalize
    if isinstance(stated, Normalization):
        if len(stated.std) == 3 and all(
            abs(one - two) < 1e-3 for one, two in zip(stated.std, _WRONG_STD, strict=True)
        ):
            yield RecordHit("data.normalize")
    elif stated == _WRONG_PRESET:
        yield RecordHit("data.normalize")


@register_rule(
    "recipe-running-accuracy",
    source="D-X-2, D-000-3",
    why="Training accuracy is only counted under augmentation and while weights move: beside validation it "
    "says nothing of over-fitting.",
    fix="leave train.clean_train_images as it is (2000)",
)
def find_missing_clean_accuracy(record: Record) -> Iterator[RecordHit]:
    """Augmented or mixed training images, and no clean accuracy of them."""
    data = record.recipe.data
    if record.recipe.train.clean_train_images == 0 and (data.augment or data.mix is not None):
        yield RecordHit("train.clean_train_images")


@register_rule(
    "recipe-test-every-epoch",
    source="D-003-1",
    why="The test set is opened after every epoch: what picking on it would have claimed is shown, and is "
    "no result.",
    fix="evaluate.show_test_picking = false, unless you teach with it",
)
def find_test_in_every_epoch(record: Record) -> Iterator[RecordHit]:
    """A recipe that shows what picking on the test set would claim."""
    if record.recipe.evaluate.show_test_picking:
        yield RecordHit("evaluate.show_test_picking")


@register_rule(
    "recipe-few-validation-images",
    source="D-004-6, D-X-3",
    why="So few validation images choose the epoch nearly by chance: one image is a percent or more.",
    fix="data.validation of some hundred images, or folds",
)
def find_few_validation_images(record: Record) -> Iterator[RecordHit]:
    """Fewer than a hundred validation images, stated or in the run."""
    stated = record.recipe.data.validation
    counted = (record.result or {}).get("num_images", {}).get("validation")
    if isinstance(counted, int) and counted < _FEW:
        yield RecordHit(
            "result.json: num_images", f"{counted} validation images choose the epoch nearly by chance."
        )
    elif counted is None and stated >= 1 and stated < _FEW:
        yield RecordHit("data.validation")


@register_rule(
    "recipe-borrowed-and-frozen",
    source="D-004-17",
    why="Borrowed weights and frozen layers come together: beside a run that starts afresh, two things have"
    " changed.",
    fix='compare with transfer.freeze = "none", or with the same layers frozen in both',
)
def find_two_changes(record: Record) -> Iterator[RecordHit]:
    """Weights of another run, and all but the head frozen."""
    transfer = record.recipe.transfer
    if transfer is not None and transfer.run is not None and transfer.freeze == "all":
        yield RecordHit("transfer.freeze")


@register_rule(
    "run-unfinished",
    source="D-000-6",
    why="The run never finished: its numbers are of however far it came.",
    fix="loupe resume RUN",
)
def find_unfinished_runs(record: Record) -> Iterator[RecordHit]:
    """A run that was interrupted, failed, or has no result."""
    if record.is_run and record.result is None:
        yield RecordHit(
            "result.json", "The run has no result: it was killed, or another process trains it now."
        )
    elif record.result is not None and record.result.get("status") != "finished":
        yield RecordHit(
            "result.json: status",
            f"The run was {record.result.get('status')}: its numbers are of however far it came.",
        )


@register_rule(
    "run-tested-often",
    source="D-003-1, D-003-3",
    why="The test set was opened more than once for this run: what was changed in between was chosen on it.",
    fix="say the number of looks with the result; choose on validation",
)
def find_many_looks(record: Record) -> Iterator[RecordHit]:
    """More than one look at the test set on the record."""
    looks = (record.result or {}).get("test_openings") or ()
    if len(looks) > 1:
        yield RecordHit("test_openings.jsonl", f"The test set was opened {len(looks)} times for this run.")


@register_rule(
    "run-learned-nothing",
    source="D-004-12",
    why="The network is no better than naming the most frequent class.",
    fix="loupe train RECIPE with another learning rate; `loupe find-rate` shows which",
)
def find_nothing_learned(record: Record) -> Iterator[RecordHit]:
    """Validation accuracy whose interval reaches down to the most frequent class."""
    best = (record.result or {}).get("best") or {}
    score = best.get("validation") or {}
    classes, interval = score.get("per_class") or (), score.get("interval") or {}
    if len(classes) < 2 or "low" not in interval:
        return
    total = sum(one["num_images"] for one in classes)
    share = max(one["num_images"] for one in classes) / max(1, total)
    if interval["low"] <= share:
        yield RecordHit(
            "result.json: best",
            f"Validation accuracy, {score['accuracy']:.1%}, is no better than naming "
            f"the most frequent class ({share:.1%}).",
        )


@register_rule(
    "run-diverged",
    source="D-004-12",
    why="The training loss ends above where it began.",
    fix="a smaller learning rate: `loupe find-rate RECIPE`",
)
def find_divergence(record: Record) -> Iterator[RecordHit]:
    """The last epoch's training loss is above the first's."""
    if len(record.history) < 3:
        return
    first, last = (float(row["train_loss"]) for row in (record.history[0], record.history[-1]))
    if last > first * 1.05:
        yield RecordHit("history.csv", f"The training loss went from {first:.3g} to {last:.3g}.")


@register_rule(
    "study-one-seed",
    source="D-X-3",
    why="Each arm is one run: its luck cannot be told from its merit, and no interval holds for new seeds.",
    fix="seeds = [0, 1, 2] or more; `loupe study FILE --dry-run` says what so many can find",
)
def find_one_seed(record: Record) -> Iterator[RecordHit]:
    """A study whose arms are trained with a single seed."""
    if record.num_seeds == 1:
        yield RecordHit("seeds")


@register_rule(
    "search-one-seed",
    source="D-X-3",
    why="The best of many trials is partly lucky; one fresh run of each cannot tell which are good, and no "
    "interval holds for new seeds.",
    fix="fresh_seeds = 3 or more",
)
def find_one_fresh_seed(record: Record) -> Iterator[RecordHit]:
    """A search whose best trials are run again with a single seed."""
    if record.num_fresh_seeds == 1:
        yield RecordHit("fresh_seeds")
