"""An explanation is one new file: in the report of a run, in `loupe inspect` and on the page, by itself."""

from pathlib import Path

import httpx
import pytest
from matplotlib.figure import Figure

import loupe
from loupe.cli import main
from loupe.data import load_dataset
from loupe.plugins import trust_plugin
from loupe.reports.inside import Subject, choose_methods, show_explanations, take_one_per_class
from loupe.runs import RunFolder
from tests.quick_runs import QUICK
from tests.web.conftest import serving

pytestmark = pytest.mark.thorough

PLUGIN = '''
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from loupe import register_explanation
from loupe.inspection import Attribution


@register_explanation(
    "saliency",
    is_signed=False,
    title="Plain gradient",
    order=15,
    num_passes=2,
    note="the gradient, power {power}",
)
@dataclass(frozen=True)
class Saliency:
    """The size of the gradient at each pixel (Simonyan et al. 2014)."""

    power: Annotated[float, Field(gt=0, description="Exponent, above 0.")] = 1.0

    def attribute(self, model, images, targets):
        images.requires_grad_()
        (gradient,) = torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)
        return Attribution(gradient.abs().amax(1) ** self.power, {"power": self.power})
'''
INSIDE = tuple(one for one in QUICK if not one.startswith("evaluate.look_inside"))


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("own") / "saliency.py"
    file.write_text(PLUGIN, encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def _trusted(plugin: Path) -> None:
    """Each test has a state folder of its own, where nobody has trusted anything yet."""
    trust_plugin(str(plugin))


@pytest.fixture(scope="module")
def run(plugin: Path) -> RunFolder:
    folder = f"run.folder={plugin.parent / 'runs'}"
    return loupe.train("digits", *INSIDE, folder, plugins=[str(plugin)])


def columns_of(figure: object) -> list[str]:
    return [axes.get_title() for axes in figure.axes]  # type: ignore[attr-defined]  # a matplotlib Figure


def test_the_report_shows_it(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    # the report holds pictures, so its figure is looked at before it becomes one
    drawn = []
    from loupe.reports import run_report

    encode = run_report.encode_figure

    def keep(figure: Figure, dpi: int) -> str:
        drawn.append(figure)
        return encode(figure, dpi)

    monkeypatch.setattr(run_report, "encode_figure", keep)
    validation = load_dataset("digits").train
    page = run_report.render_figures(run, validation)
    assert "Why this class" in page
    assert any("saliency" in " ".join(columns_of(figure)) for figure in drawn)


@pytest.mark.thorough
def test_inspect_draws_it_by_name_and_by_itself(
    run: RunFolder, plugin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(run.path), "--why", "saliency", "--out", str(tmp_path)]) == 0
    assert list(tmp_path.rglob("reasons.png"))
    plain = loupe.train("digits", *INSIDE, f"run.folder={plugin.parent / 'plain'}")
    arguments = ["inspect", str(plain.path), "--why", "saliency", "--plugin", str(plugin)]
    assert main([*arguments, "--out", str(tmp_path / "plain")]) == 0
    assert "inside: " in capsys.readouterr().out


def test_the_page_offers_and_answers_it(run: RunFolder) -> None:
    with serving(run.path.parent) as address:
        where = f"{address}/api/runs/{run.path.name}"
        methods = httpx.get(f"{where}/inside").json()["methods"]
        asked = {"image": "validation-0", "method": "saliency"}
        found = httpx.get(f"{where}/attributions", params=asked).json()
    names = [one["name"] for one in methods]
    assert names.index("grad-cam") < names.index("saliency") < names.index("occlusion")
    assert {"name": "saliency", "title": "Plain gradient"} in methods
    assert (found["method"], found["note"]) == ("saliency", "the gradient, power 1.0")


def test_a_run_without_the_plugin_is_not_shown_it(run: RunFolder, plugin: Path) -> None:
    plain = loupe.train("digits", *QUICK, f"run.folder={plugin.parent / 'other'}")
    with serving(plain.path.parent) as address:
        methods = httpx.get(f"{address}/api/runs/{plain.path.name}/inside").json()["methods"]
    assert "saliency" not in [one["name"] for one in methods]


def test_one_that_fails_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(
        "from loupe import register_explanation\n\n"
        "@register_explanation('broken-map', is_signed=False, num_passes=1)\nclass Broken:\n"
        "    '''Fail.'''\n\n    def attribute(self, model, images, targets):\n        return images.nothing\n"
    )
    run = loupe.train("digits", *QUICK, f"run.folder={tmp_path / 'runs'}", plugins=[str(file)])
    model, description = loupe.load_model(run)
    from loupe.data.normalization import Normalization
    from loupe.plugins import name_plugin_module

    images = load_dataset("digits").train
    normalization = Normalization.from_dict(description["normalization"])
    subject = Subject(model, normalization, take_one_per_class(images), images)
    methods = choose_methods(subject, [name_plugin_module(str(file))])
    assert methods == ["grad-cam", "occlusion", "broken-map"]
    (figure,) = show_explanations(subject, methods, most_images=2, is_asked=False)
    assert "The explanation 'broken-map' failed (AttributeError" in figure.caption
    with pytest.raises(loupe.LoupeError, match="failed"):
        show_explanations(subject, ["broken-map"])
