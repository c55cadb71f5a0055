"""What a run breaks of an exercise's rules, found in its folder; nothing of it is run.

A run that is refused cannot be graded: it says nothing that can be believed. One that breaks a rule is graded
and set aside: its score is shown, and it has no place.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from loupe.classroom.loading import find_fixed
from loupe.classroom.seal import Seal
from loupe.data.identity import ImageTable, digest_content, to_keys
from loupe.errors import LoupeError
from loupe.plugins import digest_plugin, is_trusted
from loupe.recipe import Recipe
from loupe.runs import RunFolder
from loupe.runs.images import ImageRecord
from loupe.runs.plugins import find_plugin
from loupe.using.verification import Verification
from loupe.wording import count_of

Kind = Literal[
    "data",
    "unfinished",
    "altered",
    "plugins",
    "network",
    "fixed",
    "looks",
    "weights",
    "copy",
    "late",
    "limits",
]
REFUSING: frozenset[Kind] = frozenset({"data", "unfinished", "altered", "plugins", "network", "limits"})
"""What leaves nothing to be graded; the rest is graded, and set aside."""

_MAY_BE_UNKNOWN = ("looks", "starting weights", "continued run")


@dataclass(frozen=True)
class Broken:
    """A rule that a run breaks.

    Args:
        kind: which.
        text: in words for the student, "trained on other images than …".
    """

    kind: Kind
    text: str

    @property
    def is_refusing(self) -> bool:
        """Whether it leaves nothing to be graded."""
        return self.kind in REFUSING

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Broken":
        """Return what another process sent.

        Raises:
            ValueError: it is no rule.
        """
        kind = next((one for one in get_args(Kind) if one == values["kind"]), None)
        if kind is None:
            raise ValueError(f"no rule {values['kind']!r}")
        return cls(kind, str(values["text"])[:2000])


def find_broken(
    run: RunFolder, seal: Seal, sides: dict[str, ImageTable], hidden: Collection[bytes] = ()
) -> list[Broken]:
    """Return the rules that a run breaks, by what stands in its folder.

    Args:
        run: the run; it may come from anywhere.
        seal: of the exercise.
        sides: the images of its pack.
        hidden: digests of the hidden images, where they are known.
    """
    try:
        recipe = run.read_recipe()
        checks = [
            *_find_other_data(run, recipe, seal, sides, hidden),
            *_find_unfinished(run),
            *_find_plugins(run, recipe, seal),
        ]
        if any(one.is_refusing for one in checks):
            return checks
        return [
            *checks,
            *_find_changed(recipe, seal),
            *_find_looks(run, seal),
            *_find_weights(run, recipe, seal, sides),
        ]
    except LoupeError as error:
        return [Broken("altered", error.tell_briefly())]


def _find_other_data(
    run: RunFolder, recipe: Recipe, seal: Seal, sides: dict[str, ImageTable], hidden: Collection[bytes]
) -> Iterator[Broken]:
    record = run.read_images()
    if record is None:
        yield Broken("data", "nothing says which images it was trained on: of an earlier version of Loupe")
        return
    seen = record.trained() | record.selected()
    secret = len(seen & set(hidden))
    if secret:
        yield Broken("data", f"trained or selected on {secret:,} of the hidden images")
        return
    strangers = _count_strangers(record, sides)
    if strangers:
        yield Broken(
            "data", f"trained on other data: {count_of(strangers, 'image')} that the pack does not have"
        )
    elif digest_content(record.test.digests) != seal.images["test"]:
        yield Broken("data", "tested on other images than the pack's test images")
    elif recipe.data.name != "arrays":
        yield Broken(
            "data", f"its images were not read from the pack's file: data.name is {recipe.data.name!r}"
        )


def _count_strangers(record: ImageRecord, sides: dict[str, ImageTable]) -> int:
    known = {key for name in ("train", "validation") if name in sides for key in to_keys(sides[name].digests)}
    own = set(to_keys(record.train.digests)) | set(to_keys(record.validation.digests))
    return len(own - known)


def _find_unfinished(run: RunFolder) -> Iterator[Broken]:
    result = run.read_result()
    if result is None or result.status != "finished" or result.best is None:
        yield Broken("unfinished", "the training has not ended")
    elif result.objective != "classification":
        yield Broken("network", "its network names no classes: it gives images back")


def _find_plugins(run: RunFolder, recipe: Recipe, seal: Seal) -> Iterator[Broken]:
    names = ", ".join(Path(one).name for one in recipe.run.plugins)
    if names and seal.plugins == "none":
        yield Broken(
            "plugins", f"names a plugin, which the exercise does not allow: {names}; nothing of it was run"
        )
        return
    strange = [one for one in recipe.run.plugins if not is_trusted(digest_plugin(find_plugin(run, one)))]
    if strange:
        names = ", ".join(Path(one).name for one in strange)
        yield Broken("plugins", f"names a plugin that is not trusted here: {names}; nothing of it was run")


def _find_changed(recipe: Recipe, seal: Seal) -> Iterator[Broken]:
    for field, wanted in seal.fixed.items():
        found = find_fixed(recipe, field)
        if found != wanted:
            yield Broken("fixed", f"{field} is {_show(found)}; the exercise fixes it at {_show(wanted)}")


def _show(value: Any) -> str:
    if value is None:
        return "left out"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _find_looks(run: RunFolder, seal: Seal) -> Iterator[Broken]:
    count = run.count_openings()
    if count is None:
        yield Broken("looks", "its record of looks at the test images is gone")
    elif count > seal.looks:
        yield Broken("looks", f"looked at the test images {count_of(count, 'time')}; allowed: {seal.looks}")


def _find_weights(
    run: RunFolder, recipe: Recipe, seal: Seal, sides: dict[str, ImageTable]
) -> Iterator[Broken]:
    begins = recipe.transfer is not None and (recipe.transfer.run or recipe.transfer.weights)
    if seal.starting_weights == "any" or not (begins or recipe.run.continues):
        return
    if seal.starting_weights == "none" and begins:
        yield Broken("weights", "starts from other weights, which the exercise does not allow")
        return
    record = run.read_images()
    known = {key for table in sides.values() for key in to_keys(table.digests)}
    before = set(to_keys(record.trained_before)) | set(to_keys(record.selected_before)) if record else set()
    is_from_file = recipe.transfer is not None and recipe.transfer.weights is not None
    if record is None or not record.is_before_known or is_from_file or before - known:
        yield Broken(
            "weights", "starts from weights that were trained on other images, or nobody knows on which"
        )


def find_unsound(found: Verification, seal: Seal) -> list[Broken]:
    """Return what `verify` found altered, and what it could not check of what a grade rests on."""
    altered = [one for one in found.findings if one.verdict == "altered"]
    if altered:
        kinds = "; ".join(f"{one.check}: {one.found}" for one in altered[:3])
        more = f"; and {len(altered) - 3} more" if len(altered) > 3 else ""
        return [Broken("altered", f"not as the run left it: {kinds}{more}")]
    unknown = [
        one
        for one in found.findings
        if one.verdict == "unknown"
        and one.check not in _MAY_BE_UNKNOWN
        and not (one.check.startswith("plugin ") and seal.plugins == "trusted")
    ]
    if unknown:
        said = unknown[0].found.replace("Your own code", "its own code")  # others read this
        return [Broken("altered", f"cannot be checked: {unknown[0].check}: {said}")]
    return []
