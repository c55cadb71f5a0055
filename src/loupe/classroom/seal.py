"""The pack that students get and the key that the teacher keeps: written, read back and checked."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from loupe.data import ImageDataset
from loupe.data.identity import ImageTable, digest_content
from loupe.data.readers.numpy_files import read_npz
from loupe.data.sources import SOURCES
from loupe.errors import LoupeError, describe_cause
from loupe.runs.reading import read_bytes, read_text
from loupe.runs.writing import replacing, write_bytes, write_json

SEAL_NAME, KEY_NAME, HIDDEN_NAME, DATA_NAME = "seal.json", "key.json", "hidden.npz", "data.npz"
STUDENTS, TEACHER, SUBMISSIONS = "students", "teacher", "submissions"
_MOST_DATA_BYTES = 8 * 2**30
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Seal(BaseModel):
    """What a pack says of itself: the exercise, and digests that say whether images and files are its own.

    Of the hidden images it has their number, and a salted digest that shows later that the teacher kept to
    them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal[1] = 1
    name: str
    title: str
    task: str
    deadline: str
    due: AwareDatetime | None = None
    late: Literal["noted", "aside"] = "noted"
    fixed: dict[str, Any]
    looks: int = Field(ge=0)
    plugins: Literal["none", "trusted"]
    starting_weights: Literal["none", "pack", "any"]
    metric: str
    confidence: float = Field(gt=0, lt=1)
    step: float | None
    class_names: list[str]
    images: dict[Literal["train", "validation", "test"], Digest]
    num_hidden: int = Field(ge=1)
    hidden_commitment: Digest
    files: dict[str, Digest]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex): which exercise this is."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the seal as it is written, without newer fields that say nothing."""
        left_out = {
            name for name in ("due", "late") if getattr(self, name) == type(self).model_fields[name].default
        }
        return self.model_dump(mode="json", exclude=left_out)


class Key(BaseModel):
    """What only the teacher has beside the hidden images: the draw, what opens the commitment, and which
    exercises `loupe class revise` made this one of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Literal[1] = 1
    exercise: Digest
    seed: int
    salt: str
    images: list[str]
    earlier: list[Digest] = []


@dataclass(frozen=True, eq=False)
class Pack:
    """The students' folder.

    Args:
        folder: where it lies.
        seal: what it says of itself.
        sides: its images, by "train", "validation" (if it has such) and "test".
    """

    folder: Path
    seal: Seal
    sides: dict[str, ImageTable]

    @property
    def data_file(self) -> Path:
        """The images."""
        return self.folder / DATA_NAME


def commit(salt: str, hidden: ImageDataset) -> str:
    """Return a digest of hidden images and labels that says nothing to whoever does not know the salt."""
    return hashlib.sha256(f"{salt} {hidden.digest}".encode()).hexdigest()


def read_pack(folder: Path) -> Pack:
    """Return a pack, its images held against its seal.

    Raises:
        LoupeError: it is no pack, or not as it was made.
    """
    seal = _read(folder / SEAL_NAME, Seal)
    for name, digest in seal.files.items():
        try:
            content = read_bytes(folder / Path(name).name, _MOST_DATA_BYTES)
            if hashlib.sha256(content).hexdigest() == digest:
                continue
            problem = "another content than its seal says"
        except (OSError, ValueError) as error:
            problem = describe_cause(error)
        raise LoupeError(
            f"{folder / name} is not as the exercise was handed out.",
            got=problem,
            allowed="the file of the pack",
            next_step="unpack the exercise anew",
        )
    return Pack(folder, seal, read_sides(folder / DATA_NAME))


def read_sides(path: Path) -> dict[str, ImageTable]:
    """Return which images a pack's file of images holds, by side."""
    return {name: part.table for name, part in read_parts(path).items()}


def read_parts(path: Path) -> dict[str, ImageDataset]:
    """Return the images of a pack's file, by "train", "validation" (if it has such) and "test"."""
    source = SOURCES.build("arrays", {"path": str(path)})
    parts = {"train": source.train, "validation": source.validation, "test": source.test}
    return {name: part for name, part in parts.items() if part is not None}


def digest_sides(sides: dict[str, ImageTable]) -> dict[Any, str]:
    """Return a digest of the images of each side."""
    return {name: digest_content(table.digests) for name, table in sides.items()}


def read_key(folder: Path) -> Key:
    """Return the key in the teacher's folder.

    Raises:
        LoupeError: there is none, or it is damaged.
    """
    key: Key = _read(folder / KEY_NAME, Key)
    return key


def read_hidden(folder: Path, seal: Seal) -> tuple[ImageDataset, Key]:
    """Return the hidden images, held against key and seal, and the key.

    Args:
        folder: the teacher's.
        seal: of the pack.

    Raises:
        LoupeError: they are not there, or not those of this exercise.
    """
    key = read_key(folder)
    images, labels, names = read_npz(folder / HIDDEN_NAME, ("images", "labels", "class_names"))
    hidden = ImageDataset(
        torch.from_numpy(images), torch.from_numpy(labels), tuple(map(str, names)), "hidden images"
    )
    is_hidden = commit(key.salt, hidden) == seal.hidden_commitment
    if is_hidden and seal.digest not in (key.exercise, *key.earlier):
        raise LoupeError(
            f"{seal.name} is not as it was made: its {SEAL_NAME} was changed.",
            got="other rules, or another deadline, than the exercise that was handed out",
            allowed=f"the {SEAL_NAME} that is in {STUDENTS}.zip",
            next_step="bring it back; then change the exercise's file, and: loupe class revise FILE",
        )
    if not is_hidden:
        raise LoupeError(
            f"{folder} does not hold the hidden images of {seal.name}.",
            got="another exercise, or other images than were set apart",
            allowed="the folder that `loupe class make` wrote beside the pack",
            next_step="name the exercise's folder: --exercise FOLDER",
        )
    return hidden, key


def write_parts(path: Path, parts: dict[str, ImageDataset]) -> None:
    """Write images as one file that `data.name = "arrays"` reads."""
    names = next(iter(parts.values())).class_names
    arrays: dict[str, Any] = {"class_names": np.array(names)}
    for name, part in parts.items():
        word = "val" if name == "validation" else name
        arrays |= {f"{word}_images": to_rows(part), f"{word}_labels": part.labels.numpy()}
    _write_npz(path, arrays)


def write_hidden(folder: Path, hidden: ImageDataset, key: Key) -> None:
    """Write the hidden images and the key to them."""
    arrays = {
        "images": hidden.pixels.numpy(),
        "labels": hidden.labels.numpy(),
        "class_names": np.array(hidden.class_names),
    }
    _write_npz(folder / HIDDEN_NAME, arrays)
    write_json(folder / KEY_NAME, key.model_dump())
    for name in (HIDDEN_NAME, KEY_NAME):
        (folder / name).chmod(0o600)


def to_rows(part: ImageDataset) -> np.ndarray:
    """Return images as `arrays` takes them: (images, height, width), with three channels last if coloured."""
    pixels = part.pixels.numpy()
    return pixels[:, 0] if part.in_channels == 1 else pixels.transpose(0, 2, 3, 1)


def _write_npz(path: Path, arrays: dict[str, Any]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def write_seal(folder: Path, seal: Seal) -> None:
    """Write a pack's seal."""
    write_bytes(
        folder / SEAL_NAME, (json.dumps(seal.to_dict(), indent=2, ensure_ascii=False) + "\n").encode()
    )


def _read(path: Path, kind: type[Any]) -> Any:
    try:
        return kind.model_validate_json(read_text(path))
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        raise LoupeError(
            f"{path.parent} is no exercise that was made.",
            got=f"{path.name}: {describe_cause(error)}",
            allowed="a folder that `loupe class make` wrote",
            next_step="name it with --exercise",
        ) from None
