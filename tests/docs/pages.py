"""The code that stands on a page of the documentation, in order."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Args:
        language: behind the fence, such as "bash".
        text: what stands inside.
        line: of the fence, from 1.
    """

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that its first line names in a comment; None if it names none."""
        found = re.match(r"# ([\w-]+\.(?:py|toml))\n", self.text)
        return found.group(1) if found else None


def read_blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(found.group(2), _dedent(found.group(3), found.group(1)), text.count("\n", 0, found.start()) + 1)
        for found in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    ]


def read_commands(block: Block) -> list[str]:
    """Return the lines of a block that a shell runs: without comments, continued lines joined."""
    joined = block.text.replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*$", "", line).strip() for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _dedent(text: str, margin: str) -> str:
    return re.sub(f"^{margin}", "", text, flags=re.MULTILINE)
