"""`loupe verify`: a run folder held against itself: files, figures, weights, data, plugins, looks."""

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

from loupe.data.identity import to_keys
from loupe.data.ledger import count_looks
from loupe.data.pixel_cache import decoding_anew
from loupe.errors import LoupeError, RunError, UntrustedPluginError
from loupe.plugins import digest_plugin, is_trusted
from loupe.running.continuing import digest_continued
from loupe.running.recipe_data import find_recorded_images, load_run_data, read_packed_images
from loupe.running.record import digest_transfer, refuse_other_recipe, take_kept_weights
from loupe.runs import RunFolder, find_run_folder, read_weights
from loupe.runs.evidence import is_unaltered, read_digests
from loupe.runs.images import SIDES
from loupe.runs.looks import read_test_content
from loupe.runs.plugins import describe_change, describe_looking, find_plugin, load_run_plugins
from loupe.using.verification import Finding, Verification
from loupe.using.verify_figures import find_wrong_figures
from loupe.using.verify_labels import find_other_labels
from loupe.using.verify_weights import check_test, check_weights
from loupe.wording import count_of

_SAMPLE = 200


def verify(
    place: str | PathLike[str],
    *,
    data: str | Path | None = None,
    sample: int = _SAMPLE,
    on_test: bool = False,
) -> list[Verification]:
    """Return what can be found of a run, or of each seed of a series, by computing it all anew.

    Unless asked for, no test image is looked at: figures on test are recomputed from the stored predictions,
    whose digest was written when the run ended, and validation images show that the predictions are those of
    the weights.

    Args:
        place: a run's folder or name.
        data: where its images lie now; where they were if left out.
        sample: validation images to run through the network.
        on_test: run the test images through it too: a look, counted and logged.

    Raises:
        RunError: there is no such run.
    """
    path = find_run_folder(place)
    if (path / "environment.json").exists():
        return [_verify_run(RunFolder(path), data, sample, on_test)]
    seeds = sorted(path.glob("seed-*/environment.json"))
    return [_verify_run(RunFolder(seed.parent), data, sample, on_test) for seed in seeds]


def _verify_run(run: RunFolder, data: str | Path | None, sample: int, on_test: bool) -> Verification:
    findings = list(_check_files(run))
    not_loaded = _load_plugins(run)  # before all that asks for what they register
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("recipe", lambda: _check_recipe(run, not_loaded)),
        ("plugins", lambda: _check_plugins(run)),
        ("looks", lambda: _check_looks(run)),
        ("figures", lambda: _check_figures(run)),
        ("images", lambda: _check_images(run)),
        ("data and weights", lambda: _check_data(run, data, sample, not_loaded)),
        *([("weights on test", lambda: check_test(run, data))] if on_test and not not_loaded else []),
    )
    for name, check in checks:
        try:
            findings += check()
        except RunError as error:
            findings.append(Finding(name, "altered", error.tell_briefly()))
        except LoupeError as error:
            findings.append(Finding(name, "unknown", error.message))
    return Verification(run.path, tuple(findings))


def _check_files(run: RunFolder) -> Iterator[Finding]:
    """Hold every file against the digest that was written when the run ended."""
    try:
        digests = read_digests(run.path)
    except RunError as error:
        yield Finding("files", "altered", error.message)
        return
    if digests is None:
        if not run.result_file.exists():
            yield Finding("files", "unknown", "the run has not ended: no digests are written yet")
        elif not run.images_file.exists() and not run.has_image_record():
            yield Finding("files", "unknown", "of an earlier version, which wrote no digests")
        else:
            yield Finding("files", "altered", f"{run.digests_file.name} is gone")
        return
    wrong = 0
    for name, recorded in digests.items():
        try:
            is_same = is_unaltered(run.path / name, recorded)
        except OSError as error:
            wrong += 1
            yield Finding(name, "altered", f"cannot be read: {error.strerror or error}")
            continue
        if not is_same:
            wrong += 1
            yield Finding(name, "altered", "another content than when the run ended")
    if not wrong:
        yield Finding("files", "sound", f"{count_of(len(digests), 'file')} as the run left them")


def _load_plugins(run: RunFolder) -> str:
    """Load a run's plugins, trusted and as they were; return why they were not, "" if they were."""
    try:
        load_run_plugins(run)
    except UntrustedPluginError as error:
        return f"not checked: {error.message} Read it; then: loupe trust {error.place}"
    except LoupeError as error:
        return f"not checked: {error.message}"
    return ""


def _check_recipe(run: RunFolder, not_loaded: str) -> Iterator[Finding]:
    recipe = run.read_recipe()
    if not_loaded:
        yield Finding("recipe", "unknown", not_loaded)
        return
    refuse_other_recipe(run, recipe)
    yield Finding("recipe", "sound", "the one the run was started with")
    recorded = run.read_environment().get("transfer") or {}
    if recorded:
        own = take_kept_weights(recipe, run)
        yield _check_source(
            "starting weights", lambda: sorted(digest_transfer(own).values()), sorted(recorded.values())
        )
    continued = (run.read_environment().get("continues") or {}).get("sha256")
    if continued:
        yield _check_source("continued run", lambda: list(digest_continued(recipe)), [continued])


def _check_source(check: str, digest: Callable[[], list[str]], recorded: list[str]) -> Finding:
    """Hold the run that this one builds on against what it was then."""
    try:
        is_same = digest() == recorded
    except (LoupeError, OSError):
        return Finding(check, "unknown", "the run it comes from is not at hand")
    found = "what the run started from" if is_same else "another content than when the run was started"
    return Finding(check, "sound" if is_same else "altered", found)


def _check_plugins(run: RunFolder) -> Iterator[Finding]:
    recorded = run.read_environment().get("plugins") or {}
    for plugin in run.read_recipe().run.plugins:
        try:
            is_same = digest_plugin(find_plugin(run, plugin)) == recorded.get(plugin)
        except LoupeError:
            yield Finding(f"plugin {plugin}", "unknown", "is not at hand")
            continue
        place = find_plugin(run, plugin)
        if is_same:
            yield Finding(f"plugin {plugin}", "sound", "as it was")
        elif is_trusted(digest_plugin(place)) and (parts := describe_looking(place)):
            yield Finding(f"plugin {plugin}", "unknown", describe_change(plugin, parts))
        else:
            yield Finding(f"plugin {plugin}", "altered", "another content than when the run was trained")


def _check_looks(run: RunFolder) -> Iterator[Finding]:
    """Hold the record of looks against the result, and against the ledger of this machine."""
    result, count = run.read_result(), run.count_openings()
    if result is None:
        return
    openings = run.read_openings()
    if count is None:
        found = "lacks looks that the result names" if run.openings_file.exists() else "is gone"
        yield Finding("looks", "altered", f"{run.openings_file.name} {found}")
        return
    if tuple(openings[: len(result.test_openings)]) != result.test_openings:
        yield Finding("looks", "altered", f"{run.openings_file.name} lacks looks that the result names")
        return
    if result.best is not None and result.best.test is not None and not openings:
        yield Finding("looks", "altered", "figures on test, and no look on record")
        return
    content = read_test_content(run)
    looks = count_looks(content) if content is not None else None
    here = looks.runs.get(str(run.path.resolve()), 0) if looks is not None else 0
    on_record = f"{count_of(count, 'look')} on record"
    if not here:
        yield Finding(
            "looks", "unknown" if count else "sound", f"{on_record}; the ledger of this machine has none"
        )
    elif here != count:
        yield Finding("looks", "altered", f"{on_record}, {here} of this run in the ledger of this machine")
    else:
        yield Finding("looks", "sound", f"{on_record}, as in the ledger of this machine")


def _check_figures(run: RunFolder) -> Iterator[Finding]:
    """Compute every figure of the best weights from the stored predictions."""
    result = run.read_result()
    if result is None or result.best is None:
        yield Finding("figures", "unknown", "the run has no result yet")
        return
    wrong = list(find_wrong_figures(run, result))
    for one in wrong:
        yield Finding("figures", "altered", one)
    if not wrong:
        yield Finding("figures", "sound", "those of the stored predictions, and of the history")


def _check_images(run: RunFolder) -> Iterator[Finding]:
    """Hold the record of images against the numbers and labels of the result."""
    record, result = run.read_images(), run.read_result()
    if record is None:
        yield Finding("images", "unknown", "the run keeps no record of its images: of an earlier version")
        return
    if result is None:
        return
    for side in SIDES:
        if len(record.table(side)) != result.num_images.get(side):
            yield Finding(
                "images",
                "altered",
                f"{len(record.table(side)):,} {side} images on record, "
                f"{result.num_images.get(side, 0):,} in the result",
            )
            return
    if result.objective == "classification" and result.best is not None:
        for split, predictions in run.read_predictions().items():
            sides = [one for one in SIDES if one == split]
            if sides and predictions.labels.tolist() != record.table(sides[0]).labels.tolist():
                yield Finding("images", "altered", f"labels of {split} differ between record and predictions")
                return
    if record.test_content != (read_test_content(run) or record.test_content):
        yield Finding("images", "altered", "another test set on record than environment.json names")
        return
    overlap = int(record.test.find(record.trained() | record.selected()).sum())
    also = f"; {overlap:,} test images trained or selected" if overlap else ""
    yield Finding("images", "sound", f"as many as the result says, with the same labels{also}")


def _check_data(run: RunFolder, data: str | Path | None, sample: int, not_loaded: str) -> Iterator[Finding]:
    """Hold the data that is there now against the record, and the predictions against the weights."""
    record = run.read_images()
    if not_loaded:
        yield Finding("data", "unknown", not_loaded)
        return
    if record is None:
        yield Finding("data", "unknown", "the run keeps no record of its images")
        return
    try:
        with decoding_anew():
            _, dataset = load_run_data(run, data)
    except LoupeError as error:
        if data is not None or not run.pixels_file.exists():
            raise
        yield Finding("data", "unknown", error.message)
        yield check_weights(
            run, read_packed_images(run, "validation"), record.validation, "validation", sample
        )
        return
    parts = [dataset.train, dataset.validation, dataset.test]
    there = {key for part in parts if part is not None for key in to_keys(part.table.digests)}
    gone = {side: sum(key not in there for key in to_keys(record.table(side).digests)) for side in SIDES}
    lost = [f"{count:,} of {len(record.table(side)):,} {side}" for side, count in gone.items() if count]
    if lost:
        yield Finding("data", "altered", f"images of the run are no longer in its data: {', '.join(lost)}")
    recipe, (_, description) = run.read_recipe(), read_weights(run)
    moved = ", ".join(find_other_labels(recipe, dataset, record, description["class_names"]))
    if moved:
        yield Finding("data", "altered", f"images of the run are under another class in its data: {moved}")
    if not lost and not moved:
        own = {key for side in SIDES for key in to_keys(record.table(side).digests)}
        more = len(there - own)
        also = f"; {more:,} others are there that it did not use" if more else ""
        yield Finding(
            "data", "sound", f"every image of the run is there, pixel by pixel, under its class{also}"
        )
    images = find_recorded_images(dataset, record.validation, keeps_labels=False)
    if images is None:
        yield Finding("weights", "unknown", "its validation images are not at hand to try them on")
        return
    yield check_weights(run, images, record.validation, "validation", sample)
