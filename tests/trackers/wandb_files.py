"""What stands in the one file that Weights & Biases wrote offline, read back record by record."""

import json
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK = 32 * 1024  # the file is a log in LevelDB's format, after seven bytes of its own
_HEADER = 7


@dataclass
class Offline:
    """What an offline run holds."""

    project: str = ""
    run_id: str = ""
    name: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    history: list[tuple[int, dict[str, float]]] = field(default_factory=list)


def read_wandb(folder: Path) -> Offline:
    """Return what the single offline run below a folder holds; its file is whole a moment after the run."""
    (file,) = folder.rglob("*.wandb")
    patience = time.monotonic() + 30
    while not (records := _parse(file)) or not any(one.HasField("exit") for one in records):
        assert time.monotonic() < patience, "the run has no end"
        time.sleep(0.05)
    found = Offline()
    for record in records:
        if record.HasField("run"):
            found.project, found.run_id, found.name = (
                *(record.run.project, record.run.run_id),
                record.run.display_name,
            )
            found.config |= _read(record.run.config.update)
        if record.HasField("history"):
            found.history.append((record.history.step.num, _read(record.history.item)))
        if record.HasField("summary"):
            found.summary |= _read(record.summary.update)
    return found


def _parse(file: Path) -> list[Any]:
    from wandb.proto import wandb_internal_pb2

    records = []
    for data in _split(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        records.append(record)
    return records


def _read(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}


def _split(log: bytes) -> list[bytes]:
    """Return the records of a log: in blocks, each piece behind checksum, length and kind."""
    records, position, begun = [], _HEADER, b""
    while position + _HEADER <= len(log):
        left = _BLOCK - position % _BLOCK
        if left < _HEADER:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", log, position)
        piece = log[position + _HEADER : position + _HEADER + length]
        position += _HEADER + length
        begun = piece if kind in (1, 2) else begun + piece
        if kind in (1, 4) and len(piece) == length:
            records.append(begun)
    return records
