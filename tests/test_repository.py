"""What people look for in a repository they may adopt agrees with what is there."""

import re
import tomllib
from pathlib import Path

from loupe.version import __version__

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def find_targets(text: str) -> list[str]:
    """Return the targets a script or workflow makes, in order."""
    return re.findall(r"^\s*(?:- run: |run: )?make (\S+)$", text, re.MULTILINE)


def test_the_public_workflow_does_what_ours_does() -> None:
    ours = find_targets(read(".ci/run"))
    assert ours == [".venv/.dev", "check", "test-ci", "docs", "try-wheel"]
    assert find_targets(read(".github/workflows/ci.yml")) == ours
    assert "shared" not in read(".github/workflows/ci.yml")


def test_every_target_named_is_there() -> None:
    targets = set(re.findall(r"^([\w./$()-]+):", read("Makefile"), re.MULTILINE))
    for name in ("wheel", *find_targets(read(".ci/run"))[1:]):
        assert name in targets


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation, project = read("CITATION.cff"), tomllib.loads(read("pyproject.toml"))["project"]
    assert re.search(rf"^version: {re.escape(__version__)}$", citation, re.MULTILINE)
    assert re.search(rf"^license: {re.escape(project['license'])}$", citation, re.MULTILINE)


def test_the_changelog_has_what_is_coming_on_top() -> None:
    first, *_ = re.findall(r"^## \[(.+?)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert first in ("Unreleased", __version__)


def test_every_extra_is_explained_and_part_of_what_tests_need() -> None:
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    explained = set(re.findall(r"^\| `([a-z]+)` \|", read("docs/dependencies.md"), re.MULTILINE))
    assert explained == set(extras) - {"dev", "docs"}
    for name in explained - {
        "timm"
    }:  # its torchvision goes with one torch only; its tests say when they skip
        assert set(extras[name]) <= set(extras["dev"]), f"the tests of the extra {name} are skipped"
