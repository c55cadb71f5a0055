"""An audit on one screen: folds, suspects of four kinds, files, page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from loupe.audits.findings import Audit, AuditedImages, Kind, Suspect, TestCopies
from loupe.audits.folder import AuditFolder
from loupe.audits.folds import MakeWatcher, OutOfFold, score_out_of_fold
from loupe.audits.outliers import find_limit, measure_distances
from loupe.audits.page import write_audit_page
from loupe.data import LockedTest
from loupe.data.correcting import find_corrected
from loupe.data.corrections import read_corrections
from loupe.data.identity import ImageTable, to_keys
from loupe.data.image_quality import find_flaws, find_odd_sizes
from loupe.data.near_duplicates import DuplicatePair, find_duplicates
from loupe.errors import LoupeError
from loupe.plugins import expand_path
from loupe.recipe import Recipe
from loupe.runs import find_run_folder
from loupe.runs.writing import write_json
from loupe.statistics import compute_wilson_interval
from loupe.statistics.label_errors import LabelErrors, find_label_errors
from loupe.studies.folder import StudyFolder
from loupe.wording import quote_name

_LEAST_AGREED = 0.8
COLUMNS = (
    *("image", "file", "index", "side", "label", "suggested_label", "score", "reason"),
    *("place_in_class", "other_image", "other_file"),
)


@dataclass(frozen=True)
class FinishedAudit:
    """An audit and where it lies."""

    audit: Audit
    folder: AuditFolder


def audit_recipe(
    recipe: Recipe,
    out: Path = Path("audits"),
    *,
    num_folds: int = 5,
    engine: str = "auto",
    workers: int | None = None,
    make_watcher: MakeWatcher | None = None,
) -> FinishedAudit:
    """Audit the training and validation images of a recipe; an audit that was interrupted goes on.

    Args:
        recipe: complete.
        out: receives a folder of the recipe's name.
        num_folds: networks to train, at least 2.
        engine, workers: as `run_study` takes them.
        make_watcher: is told what is to be done, and hears of it.

    Raises:
        LoupeError: a recipe without classes, data that cannot be divided, a fold that failed.
    """
    folder = AuditFolder(out / recipe.name)
    told = score_out_of_fold(
        recipe, folder.path, num_folds, engine=engine, workers=workers, make_watcher=make_watcher
    )
    audit = gather_findings(recipe, told, num_folds)
    for kind, suspects in audit.suspects.items():
        StudyFolder(folder.path).write_table(
            folder.csv_file(kind), COLUMNS, (_make_row(audit.audited, one) for one in suspects)
        )
    write_json(folder.json_file, audit.to_dict())
    write_audit_page(folder.page_file, audit)
    return FinishedAudit(audit, folder)


def find_recipe_place(place: str) -> str:
    """Return what `load_recipe` reads: a run's own recipe where a run is named, else what was typed."""
    path = Path(place).expanduser()
    if (path / "recipe.toml").is_file():
        return str(path / "recipe.toml")
    if path.suffix == ".toml" or path.is_file():
        return place
    try:
        return str(find_run_folder(place) / "recipe.toml")
    except LoupeError:
        return place


def gather_findings(recipe: Recipe, told: OutOfFold, num_folds: int) -> Audit:
    """Return what there is to find: by scores, by pixels, by features, by files."""
    audited, level = told.audited, recipe.evaluate.confidence
    images = audited.images
    probabilities = told.logits.double().softmax(1)
    errors = find_label_errors(images.labels, probabilities)
    right = int((told.logits.argmax(1) == images.labels).sum())
    copies = told.dataset.test.find_copies(images)
    suspects: dict[Kind, Sequence[Suspect]] = {
        "wrong_labels": _find_wrong_labels(errors, images.labels, probabilities, images.class_names),
        "duplicates": _find_duplicates(audited),
        "test_copies": _find_test_copies(audited, copies, told.dataset.test.table),
        "outliers": _find_outliers(told, recipe.split_seed),
        "flaws": _find_flaws(recipe, audited),
    }
    kept = _find_kept(recipe, told)
    suspects = {
        kind: [one for one in found if int(audited.sources[one.index]) not in kept]
        for kind, found in suspects.items()
    }
    in_test = _count_test_copies(told.dataset.test, copies)
    return Audit(
        recipe.name,
        num_folds,
        audited,
        suspects,
        right / len(audited),
        compute_wilson_interval(right, len(audited), level),
        level,
        errors.thresholds,
        errors.joint,
        in_test,
        (*_tell_doubt(right, len(audited)), *_tell_conditions(recipe, told, in_test, len(kept))),
    )


def _find_kept(recipe: Recipe, told: OutOfFold) -> set[int]:
    """Return which images the recipe's corrections keep as they are: somebody has looked at them."""
    if recipe.data.corrections is None:
        return set()
    corrections = read_corrections(expand_path(recipe.data.corrections))
    found = find_corrected(corrections, told.dataset, is_part=recipe.data.classes is not None)
    return {index for index, one in found.by_index.items() if one.action == "keep"}


def _tell_doubt(right: int, total: int) -> list[str]:
    """Return what is to be thought of suspects whose judges are poor ones."""
    if right >= _LEAST_AGREED * total:
        return []
    return [
        f"The networks agree with {100 * right / total:.1f} % of the labels only: most that are listed as "
        "possibly wrong are their own mistakes. Look at the first of the list, or audit with a recipe that "
        "tells the classes apart better (more epochs, transfer.weights)."
    ]


def _tell_conditions(recipe: Recipe, told: OutOfFold, in_test: TestCopies, num_kept: int) -> tuple[str, ...]:
    notes = [*told.dataset.notes]
    left = [name for name in ("label_noise", "long_tail") if getattr(recipe.data, name) is not None]
    if left:
        names = " and ".join(f"data.{name}" for name in left)
        notes.append(f"{names} of the recipe was left out: the data is audited as it is.")
    if recipe.data.corrections is not None:
        name = Path(recipe.data.corrections).name
        kept = f"; {num_kept:,} that it keeps are not listed again" if num_kept else ""
        notes.append(f"The images are audited as corrected by {name}{kept}.")
    if recipe.data.fraction < 1:
        notes.append(
            f"Each network was trained on {100 * recipe.data.fraction:g} % of the images of its folds "
            "(data.fraction); all images were scored."
        )
    return (*notes, *in_test.describe())


def _find_wrong_labels(
    errors: LabelErrors, labels: Tensor, probabilities: Tensor, names: Sequence[str]
) -> list[Suspect]:
    places = errors.rank_within_classes(labels)
    found = []
    for index in errors.rank().tolist():
        label, suggested = int(labels[index]), int(errors.suggested[index])
        own, other = (float(probabilities[index, one]) for one in (label, suggested))
        average = float(errors.thresholds[label])
        named, meant = quote_name(names[label]), quote_name(names[suggested])
        reason = (
            f"scores {100 * other:.0f} % for {meant} and {100 * own:.0f} % for {named}, "
            f"where images labelled {named} get {100 * average:.0f} % on average"
        )
        score = -float(errors.margins[index])
        found.append(Suspect(index, score, reason, suggested, place_in_class=int(places[index])))
    return found


def _find_duplicates(audited: AuditedImages) -> list[Suspect]:
    """Return images that repeat an earlier one; pairs of two classes first, then those of two sides."""
    images = audited.images
    pairs = find_duplicates(images.images, images.table.identities)

    def rank(pair: DuplicatePair) -> tuple[bool, bool]:
        is_one_class = audited.label(pair.first) == audited.label(pair.second)
        return is_one_class, audited.side(pair.first) == audited.side(pair.second)

    found: dict[int, Suspect] = {}
    for pair in sorted(pairs, key=rank):  # stable: nearest first within each
        first = pair.first
        reason = (
            f"{_DIFFERENCES[pair.way]} {audited.name(first)} ({audited.side(first)}, {audited.label(first)})"
            + (f"; {100 * pair.residual:.1f} % of its contrast differs" if pair.residual else "")
        )
        found.setdefault(pair.second, Suspect(pair.second, 1 - pair.residual, reason, other=first))
    return list(found.values())


def _find_test_copies(
    audited: AuditedImages, copies: Sequence[DuplicatePair], tests: ImageTable
) -> list[Suspect]:
    """Return images that are copies of test images; of these nothing is said but their digest."""
    found: dict[int, Suspect] = {}
    for pair in copies:  # nearest first
        reason = f"{_DIFFERENCES[pair.way]} a test image" + (
            f"; {100 * pair.residual:.1f} % of its contrast differs" if pair.residual else ""
        )
        name = tests.identities[pair.second].numpy().tobytes().hex()
        one = Suspect(pair.first, 1 - pair.residual, reason, test_image=name)
        found.setdefault(pair.first, one)
    is_training = {index: audited.side(index) == "training" for index in found}
    return sorted(found.values(), key=lambda one: not is_training[one.index])


def _count_test_copies(test: LockedTest, copies: Sequence[DuplicatePair]) -> TestCopies:
    keys = to_keys(test.table.identities)
    exact = {keys[pair.second] for pair in copies if pair.way == "exact"}
    copied = {pair.second for pair in copies if pair.way != "exact"}
    copied |= {place for place, key in enumerate(keys) if key in exact}
    num_exact = sum(key in exact for key in keys)
    return TestCopies(len(test), len(copied), num_exact, len({pair.second for pair in test.find_repeats()}))


_DIFFERENCES = {
    "exact": "the same pixels as",
    "saved anew": "the same picture, saved anew, as",
    "moved": "moved by a pixel from",
    "mirrored": "the mirror image of",
    "mirrored and moved": "the mirror image, moved by a pixel, of",
}


def _find_outliers(told: OutOfFold, seed: int) -> list[Suspect]:
    distances = measure_distances(told.runs[0], told.audited.images, seed)
    limit, typical = find_limit(distances), float(distances.median())
    far = (distances > limit).nonzero().flatten()
    found = []
    for index in far[distances[far].argsort(descending=True, stable=True)].tolist():
        distance = float(distances[index])
        reason = f"distance {distance:.3f} to the ten images most like it, where the median is {typical:.3f}"
        found.append(Suspect(index, distance, reason))
    return found


def _find_flaws(recipe: Recipe, audited: AuditedImages) -> list[Suspect]:
    flaws = find_flaws(audited.images.images)
    root = _find_root(recipe.data.settings)
    if root is not None and audited.images.paths is not None:
        flaws += find_odd_sizes(root, audited.images.paths)
    return [Suspect(one.index, one.value, one.reason) for one in flaws]


def _find_root(settings: Mapping[str, object]) -> Path | None:
    """Return the folder that paths of image files start from; None if the data is in no such files."""
    path, folder = settings.get("path"), settings.get("folder")
    if isinstance(folder, str):
        return expand_path(folder)
    if not isinstance(path, str):
        return None
    place = expand_path(path)
    return place if place.is_dir() else place.parent


def _make_row(audited: AuditedImages, one: Suspect) -> dict[str, str]:
    names = audited.images.class_names
    return {
        "image": audited.key(one.index),
        "file": audited.file(one.index),
        "index": str(int(audited.sources[one.index])),
        "side": audited.side(one.index),
        "label": audited.label(one.index),
        "suggested_label": names[one.suggested] if one.suggested is not None else "",
        "score": f"{one.score:.6g}",
        "reason": one.reason,
        "place_in_class": str(one.place_in_class or ""),
        "other_image": audited.key(one.other) if one.other is not None else one.test_image,
        "other_file": audited.file(one.other) if one.other is not None else "",
    }


def list_files(folder: AuditFolder, audit: Audit) -> Iterable[tuple[Kind, Path, int]]:
    """Yield each kind with its table and the number of its rows."""
    for kind, suspects in audit.suspects.items():
        yield kind, folder.csv_file(kind), len(suspects)
