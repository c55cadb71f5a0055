"""The networks of a series of seeds, opened as one: the mean of their probabilities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from loupe.data.normalization import Normalization
from loupe.errors import LoupeError, RunError
from loupe.evaluations import Network
from loupe.metrics import Predictions
from loupe.models.ensemble import Ensemble
from loupe.models.layer_table import describe_layers
from loupe.runs.series_folder import SeriesFolder
from loupe.using.evaluation_setup import open_asked
from loupe.using.opened_run import OpenedRun, open_run

PLAIN = 1.0, 0.0
"""Std and mean of an input that is pixels in [0, 1]."""


@dataclass(frozen=True, eq=False)
class OpenedSeries:
    """The finished seeds of a series, each with its network.

    Args:
        series: its folder.
        members: by seed, two or more.
    """

    series: SeriesFolder
    members: dict[int, OpenedRun] = field(repr=False)

    @property
    def first(self) -> OpenedRun:
        """The first seed's run: classes, size and channels are those of all."""
        return next(iter(self.members.values()))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"seed {seed}" for seed in self.members)

    def is_shared(self, split: str) -> bool:
        """Return whether all seeds have the same images on a side."""
        digests = {one.run.read_environment()["data_digests"][split] for one in self.members.values()}
        return len(digests) == 1

    @cached_property
    def model(self) -> Ensemble:
        """The mean of the networks, their kept calibrations inside, in evaluation mode on their device."""
        networks = [_add_scaling(one) for one in self.members.values()]
        constants = [(one.normalization.mean, one.normalization.std) for one in self.members.values()]
        return Ensemble(networks, constants).to(self.first.device).eval()

    @property
    def normalization(self) -> Normalization:
        """Of the mean network: none, as each has its own inside."""
        channels, (std, mean) = self.first.in_channels, PLAIN
        return Normalization((mean,) * channels, (std,) * channels)

    @cached_property
    def network(self) -> Network:
        """The mean network as evaluations ask it."""
        one = open_asked(self.first)
        layers = describe_layers(
            self.model, in_channels=self.first.in_channels, image_size=self.first.image_size
        )
        return Network(self.model, self.normalization, layers, one.device, one.precision, one.batch_size)


def _add_scaling(one: OpenedRun) -> nn.Module:
    scaling = one.classifier.scaling if one.classifier is not None else None
    return nn.Sequential(one.model, scaling.to(one.device)) if scaling is not None else one.model


def average_predictions(members: Sequence[Predictions]) -> Predictions:
    """Return the mean of the probabilities of several networks for the same images, as its logarithm.

    Raises:
        ValueError: the images are not the same: their labels differ.
    """
    labels = members[0].labels
    if any(not torch.equal(one.labels, labels) for one in members):
        raise ValueError("got predictions with other labels; allowed: networks on the same images")
    means = list[Tensor]()
    for parts in zip(*(one.parts() for one in members), strict=True):
        said = torch.stack([one.logits.double().log_softmax(1) for one in parts])
        means.append((said.logsumexp(0) - math.log(len(parts))).float())
    return Predictions(labels, torch.cat(means))


def open_series(series: SeriesFolder, device: str = "auto", *, data: Path | None = None) -> OpenedSeries:
    """Return the networks of a series' finished seeds.

    Raises:
        RunError: fewer than two seeds have finished, or their networks name no class.
        LoupeError: a plugin a network comes from is gone, or the device is not there.
    """
    finished = {seed: run for seed, run in series.runs.items() if run.is_finished()}
    if len(finished) < 2:
        raise RunError(
            f"Series {series.path.name} has no two networks to average.",
            got=f"{len(finished)} finished of {len(series.runs)} begun",
            allowed="two finished seeds or more",
            next_step=series.advise(),
        )
    members = {seed: open_run(run, device, data=data) for seed, run in finished.items()}
    first = next(iter(members.values()))
    if first.classifier is None:
        raise LoupeError(
            f"The networks of series {series.path.name} name no class: there is nothing to average.",
            got="networks that give images back",
            allowed="networks that name classes",
            next_step=f"name one of its runs: {first.run.path}",
        )
    return OpenedSeries(series, members)
