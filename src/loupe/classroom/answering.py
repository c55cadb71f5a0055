"""What one submission says of the hidden images: carried out in a process of its own, by `isolation.py`.

The labels of the hidden images are not in this process, and nothing but numbers leaves it: JSON, and logits
as bytes.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loupe.classroom.limits import Limits, apply_limits
from loupe.classroom.loading import PLACES
from loupe.classroom.rules import Broken, find_broken, find_unsound
from loupe.classroom.seal import Seal, read_sides
from loupe.errors import LoupeError
from loupe.recipe import Recipe
from loupe.runs import RunFolder, read_weights
from loupe.runs.reading import read_bytes
from loupe.using.classifier import open_classifier
from loupe.using.verify_run import verify

SKETCH_LENGTH = 256


@dataclass(frozen=True)
class Question:
    """What is asked about one run.

    Args:
        run: its folder.
        seal: of the exercise, as JSON.
        data: the pack's images.
        images: the hidden images without labels, as an .npy file.
        hidden: their digests, hexadecimal.
        environment: variables that say where trusted plugins are on record.
    """

    run: str
    seal: str
    data: str
    images: str
    hidden: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether two networks are one.

    Args:
        shape: digest of the names and shapes of the weights.
        weights: digest of all of it.
        sketch: random projection of the weights, the same for all of one shape: distances between networks
            are those between sketches, up to about 6 % (Johnson and Lindenstrauss, 1984).
        training: digest of the history, with the seconds of each epoch: no training makes the same twice.
        recipe: digest of what was trained and how, places left aside.
    """

    shape: str
    weights: str
    sketch: tuple[float, ...]
    training: str
    recipe: str


@dataclass(frozen=True)
class Reply:
    """What came of one run.

    Args:
        broken: rules that it breaks.
        num_looks: at the students' test images; None where nobody knows.
        model: name of its network.
        num_weights: numbers in it.
        epoch: of the best weights.
        fingerprint: of the network; None where it was refused.
        notes: what else `verify` could not tell.
    """

    broken: tuple[Broken, ...]
    num_looks: int | None = None
    model: str = ""
    num_weights: int = 0
    epoch: int | None = None
    fingerprint: Fingerprint | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Reply":
        """Return the reply that bytes hold.

        Raises:
            ValueError, TypeError, KeyError: they hold none.
        """
        values = json.loads(content)
        values["broken"] = tuple(Broken.from_dict(one) for one in values["broken"])
        if values["fingerprint"] is not None:
            print_ = values["fingerprint"]
            sketch = tuple(float(one) for one in print_.pop("sketch"))
            values["fingerprint"] = Fingerprint(
                **{name: str(one) for name, one in print_.items()}, sketch=sketch
            )
        values["notes"] = tuple(str(one)[:2000] for one in values["notes"])
        return cls(**values)


def answer_in_child(connection: Connection, question: Question, limits: Limits) -> None:
    """Answer through a connection, within limits: the life of a process."""
    try:
        os.environ |= question.environment
        torch.set_num_threads(1)
        apply_limits(limits)
        reply, logits = answer(question)
    except MemoryError:
        reply, logits = _run_out(limits), None
    except RuntimeError as error:
        if "alloc" not in str(error):
            raise
        reply, logits = _run_out(limits), None
    connection.send_bytes(reply.to_json())
    connection.send_bytes(b"" if logits is None else logits.contiguous().numpy().tobytes())


def _run_out(limits: Limits) -> Reply:
    return Reply((Broken("limits", f"needs more than {limits.memory_mib:,} MiB of memory to be graded"),))


def answer(question: Question) -> tuple[Reply, Tensor | None]:
    """Return what came of a run, and its logits on the hidden images, (images, classes) float32, if any."""
    run, seal = RunFolder(Path(question.run)), Seal.model_validate_json(question.seal)
    hidden = {bytes.fromhex(one) for one in question.hidden}
    data = Path(question.data)
    broken, notes = find_broken(run, seal, read_sides(data), hidden), []
    if not any(one.is_refusing for one in broken):
        (found,) = verify(run.path, data=data)
        broken += find_unsound(found, seal)
        notes = [f"{one.check}: {one.found}" for one in found.findings
                 if one.verdict == "unknown" and one.check != "looks"]  # fmt: skip
    if any(one.is_refusing for one in broken):
        return Reply(tuple(broken)), None
    try:
        logits = compute_logits(run, np.load(question.images, allow_pickle=False), seal.class_names)
        reply = describe(run, broken, notes)
    except LoupeError as error:
        why = Broken("network", f"{error.message} {error.got or ''}".strip())
        return Reply((*broken, why)), None
    if not bool(torch.isfinite(logits).all()):
        return Reply((*broken, Broken("network", "answers with numbers that are none"))), None
    return reply, logits


def compute_logits(run: RunFolder, images: np.ndarray, class_names: Sequence[str]) -> Tensor:
    """Return what a run's best network says of images, (images, classes) float32 in the exercise's order.

    Raises:
        LoupeError: it cannot be asked about them.
    """
    classifier = open_classifier(run, "cpu")
    if sorted(classifier.class_names) != sorted(class_names):
        raise LoupeError(
            "Its network names other classes than the exercise.", got=", ".join(classifier.class_names)[:200]
        )
    logits = classifier.compute_logits(torch.from_numpy(images))
    return logits[:, [classifier.class_names.index(name) for name in class_names]]


def describe(run: RunFolder, broken: Sequence[Broken], notes: Sequence[str]) -> Reply:
    """Return what is known of a run that can be graded."""
    weights, description = read_weights(run)
    return Reply(
        tuple(broken),
        run.count_openings(),
        str(description["model"]["name"]),
        sum(one.numel() for one in weights.values()),
        (description.get("best") or {}).get("epoch"),
        take_fingerprint(run, weights),
        tuple(notes),
    )


def take_fingerprint(run: RunFolder, weights: dict[str, Tensor]) -> Fingerprint:
    """Return what tells a run's network and training from others."""
    shape, content = hashlib.sha256(), hashlib.sha256()
    sketch = torch.zeros(SKETCH_LENGTH, dtype=torch.float64)
    for name, tensor in sorted(weights.items()):
        shape.update(f"{name} {tuple(tensor.shape)}".encode())
        values = tensor.detach().double().flatten()
        content.update(name.encode() + values.numpy().tobytes())
        sketch += _project(values, int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))
    recipe = json.dumps(_leave_places(run.read_recipe()), sort_keys=True)
    return Fingerprint(
        shape.hexdigest(),
        content.hexdigest(),
        tuple(sketch.tolist()),
        hashlib.sha256(read_bytes(run.history_file)).hexdigest(),
        hashlib.sha256(recipe.encode()).hexdigest(),
    )


def _project(values: Tensor, seed: int) -> Tensor:
    """Return (256,) float64: each weight with a random sign in a random place (Charikar and others, 2002)."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(SKETCH_LENGTH, (len(values),), generator=generator)
    signs = torch.randint(2, (len(values),), generator=generator).double() * 2 - 1
    return torch.zeros(SKETCH_LENGTH, dtype=torch.float64).index_add_(0, places, values * signs)


def _leave_places(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe decides the network."""
    values = {key: one for key, one in recipe.to_dict().items() if key not in ("name", "about")}
    for place in (*PLACES, "run.trackers", "run.observers", "run.tensorboard"):
        section, _, name = place.partition(".")
        values.get(section, {}).pop(name, None)
    return values
