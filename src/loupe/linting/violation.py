"""What a rule reports, and where: a line of a file, a line of a notebook's cell, or a field of a recipe."""

import ast
from dataclasses import asdict, dataclass
from typing import Any

NO_ROW = "PyTorch"
"""The source of a rule that no row of the sources stands for: what PyTorch's manual asks for."""


@dataclass(frozen=True)
class Hit:
    """What a rule found in code.

    Args:
        node: where it stands.
        why: one sentence of its own; "" for the rule's.
    """

    node: ast.AST
    why: str = ""


@dataclass(frozen=True)
class RecordHit:
    """What a rule found in a recipe or a run.

    Args:
        where: field or file, such as `data.normalize`.
        why: one sentence of its own; "" for the rule's.
    """

    where: str
    why: str = ""


@dataclass(frozen=True)
class Violation:
    """A mistake, ready to be told.

    Args:
        rule: its name.
        source: row ids of the sources, see docs/sources.md; `NO_ROW` if there is none.
        file: file, recipe or run, as it was named.
        cell: number of the notebook's cell, from 1, as code and text are counted together; None elsewhere.
        line: from 1, within the cell if there is one; None of a recipe or run.
        where: field of a recipe or file of a run; "" in code.
        why: one sentence.
        fix: what to do.
    """

    rule: str
    source: str
    file: str
    cell: int | None
    line: int | None
    where: str
    why: str
    fix: str

    @property
    def place(self) -> str:
        """Where it is: "train.py:12", "book.ipynb:cell 3:4", "digits: data.normalize"."""
        if self.line is None:
            return f"{self.file}: {self.where}"
        return f"{self.file}:{'' if self.cell is None else f'cell {self.cell}:'}{self.line}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
