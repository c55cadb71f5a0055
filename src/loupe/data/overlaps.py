"""Images on two sides of a split, or under two classes: found by what they are, refused or said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loupe.data.identity import ImageTable, to_keys
from loupe.errors import DataError
from loupe.wording import quote_name

if TYPE_CHECKING:
    from loupe.data.splits import Splits

_MOST_SHARED = 0.5  # of a part; where more of it stands on another side, its figure measures memory
_MOST_NAMED = 3


ONE_RIGHT = "at most one label can be right"  # whoever reads the warning finds it by these words


@dataclass(frozen=True)
class Overlap:
    """Images of one part that stand in another part too.

    Args:
        part: "validation" or "test".
        other: "training" or "validation".
        count: images of `part` that are also in `other`.
        total: images of `part`.
        examples: pairs of files, where there are files.
    """

    part: str
    other: str
    count: int
    total: int
    examples: tuple[tuple[str, str], ...] = ()

    def describe(self) -> str:
        """Return what is wrong, in one sentence."""
        named = "; ".join(f"{one} is {other}" for one, other in self.examples)
        return (
            f"{self.count:,} of {self.total:,} {self.part} images are also {self.other} images"
            + (f" ({named}{' …' if self.count > len(self.examples) else ''})" if named else "")
            + f": figures on {self.part} flatter."
        )


@dataclass(frozen=True)
class Overlaps:
    """What of a split's images stands where it should not.

    Args:
        across: parts that share images.
        num_under_two_classes: different images that have more than one label.
        examples: classes of some of those.
    """

    across: tuple[Overlap, ...]
    num_under_two_classes: int
    examples: tuple[str, ...] = ()

    def describe(self) -> Iterator[str]:
        """Yield a sentence for each thing a reader should know."""
        for one in self.across:
            yield one.describe()
        if self.num_under_two_classes:
            many = self.num_under_two_classes != 1
            yield (
                f"{self.num_under_two_classes:,} image{'s stand' if many else ' stands'} under more than one "
                f"class ({'; '.join(self.examples)}): {ONE_RIGHT}."
            )


def find_overlaps(splits: "Splits") -> Overlaps:
    """Return the images that stand on two sides of a split, or under two classes; no image is looked at."""
    parts = {
        "training": splits.train.table,
        "validation": splits.validation.table,
        "test": splits.test.table,
    }
    wanted = (("validation", "training"), ("test", "training"), ("test", "validation"))
    across = [_compare(part, parts[part], other, parts[other]) for part, other in wanted]
    count, examples = _count_under_two_classes(parts, splits.train.class_names)
    return Overlaps(tuple(one for one in across if one.count), count, examples)


def _compare(part: str, table: ImageTable, other: str, other_table: ImageTable) -> Overlap:
    shared = table.find(other_table.keys()).nonzero().flatten()
    examples: list[tuple[str, str]] = []
    if table.paths is not None and other_table.paths is not None:
        places = dict(zip(to_keys(other_table.identities), other_table.paths, strict=True))
        for index in shared.tolist()[:_MOST_NAMED]:
            key = to_keys(table.identities[index : index + 1])[0]
            if key in places:
                examples.append((table.paths[index], places[key]))
    return Overlap(part, other, len(shared), len(table), tuple(examples))


def _count_under_two_classes(
    parts: Mapping[str, ImageTable], class_names: tuple[str, ...]
) -> tuple[int, tuple[str, ...]]:
    labels_of: dict[bytes, int] = {}
    several: dict[bytes, set[int]] = {}
    for table in parts.values():
        for key, label in zip(to_keys(table.identities), table.labels.tolist(), strict=True):
            if labels_of.setdefault(key, label) != label:
                several.setdefault(key, {labels_of[key]}).add(label)
    quoted = [quote_name(name) for name in class_names]
    named = [" and ".join(quoted[label] for label in sorted(labels)) for labels in several.values()]
    return len(several), tuple(dict.fromkeys(named))[:_MOST_NAMED]


def refuse_meaningless(overlaps: Overlaps) -> None:
    """Check that the parts of a split are different images, so that figures on them mean something.

    Raises:
        DataError: more than half of validation or test stands on another side.
    """
    for one in overlaps.across:
        if one.count <= _MOST_SHARED * one.total:
            continue
        named = "; ".join(f"{file} is {other}" for file, other in one.examples)
        raise DataError(
            f"The {one.part} images are the {one.other} images.",
            got=f"{one.count:,} of {one.total:,} are the same pictures" + (f": {named}" if named else ""),
            allowed=f"{one.part} images that are no {one.other} images; up to half would be told of",
            next_step=f"give the {one.part} part images of its own, or leave it out: then one is set apart",
        )
