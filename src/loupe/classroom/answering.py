"""What one submission says of the hidden images: carried out in a process of its own, by `isolation.py`.

The labels of the hidden images are not in this process, and nothing but numbers leaves it: JSON, and logits
as bytes.
"""

import json
import os
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loupe.classroom.fingerprints import Fingerprint, take_fingerprint
from loupe.classroom.limits import Limits, apply_limits
from loupe.classroom.rules import Broken, find_broken, find_unsound
from loupe.classroom.seal import Seal, read_sides
from loupe.errors import LoupeError
from loupe.runs import RunFolder, read_weights
from loupe.using.classifier import open_classifier
from loupe.using.verify_run import verify


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
class Reply:
    """What came of one run.

    Args:
        broken: rules that it breaks.
        num_looks: at the students' test images; None where nobody knows.
        model: name of its network.
        num_weights: numbers in it.
        epoch: of the best weights.
        fingerprint: of the network, of one that was refused too; None where its weights cannot be read.
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
            values["fingerprint"] = Fingerprint.from_dict(values["fingerprint"])
        values["notes"] = tuple(str(one)[:2000] for one in values["notes"])
        return cls(**values)


def answer_in_child(connection: Connection, question: Question, limits: Limits) -> None:
    """Answer through a connection, within limits: the life of a process."""
    try:
        if hasattr(os, "setsid"):
            os.setsid()  # what it starts is ended with it
        os.environ |= question.environment
        torch.set_num_threads(1)
        apply_limits(limits)
        reply, logits = answer(question)
    except MemoryError:
        reply, logits = _run_out(limits), None
    except Exception as error:  # a plugin may raise anything
        is_memory = isinstance(error, RuntimeError) and "alloc" in str(error)
        reply, logits = _run_out(limits) if is_memory else _fail(error), None
    connection.send_bytes(reply.to_json())
    connection.send_bytes(b"" if logits is None else logits.contiguous().numpy().tobytes())


def _fail(error: Exception) -> Reply:
    said = f"{type(error).__name__}: {error}".partition("\n")[0][:300]
    place = next(
        (one for one in reversed(traceback.extract_tb(error.__traceback__)) if "loupe" not in one.filename),
        None,
    )
    where = f" ({Path(place.filename).name}, line {place.lineno})" if place else ""
    return Reply((Broken("network", f"failed while it was graded: {said}{where}"),))


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
        return Reply(tuple(broken), fingerprint=_read_fingerprint(run)), None
    try:
        logits = compute_logits(run, np.load(question.images, allow_pickle=False), seal.class_names)
        reply = describe(run, broken, notes)
    except LoupeError as error:
        why = Broken("network", error.tell_briefly())
        return Reply((*broken, why), fingerprint=_read_fingerprint(run)), None
    if not bool(torch.isfinite(logits).all()):
        return Reply((*broken, Broken("network", "answers with numbers that are none"))), None
    return reply, logits


def _read_fingerprint(run: RunFolder) -> Fingerprint | None:
    """Return what tells a refused network from others, for whose copy it is; nothing of it is run."""
    with suppress(LoupeError, OSError, ValueError, KeyError, RuntimeError):
        return take_fingerprint(run, read_weights(run)[0])
    return None


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
