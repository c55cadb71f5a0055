"""Batches that a layer with running statistics is trained on, and what they are drawn from."""

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st
from torch import Tensor

from loupe.conformance.cases import Case, make_input


@st.composite
def draw_maps(draw: st.DrawFn, channels: int, scale: float = 1.0, seed: int = 0) -> Tensor:
    """Draw images of a layer's input, (batch, channels, height, width), small and around `shift`."""
    batch, height = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    width = draw(st.integers(1 if batch * height > 1 else 2, 4))  # a channel needs two values
    return make_input(batch, channels, height, width, shift=scale, scale=scale, seed=seed)


@st.composite
def draw_batches(draw: st.DrawFn, names: Collection[str]) -> Case:
    """Draw one to three training batches for a new layer."""
    arguments: dict[str, Any] = {"num_features": draw(st.integers(1, 3))}
    if "momentum" in names:
        arguments["momentum"] = draw(st.sampled_from([0.1, 0.25, 0.9]))
    count = draw(st.integers(1, 3))
    batches = tuple(draw(draw_maps(arguments["num_features"], seed=seed)) for seed in range(count))
    shapes = " and ".join(str(tuple(batch.shape)) for batch in batches)
    return Case(arguments, batches, f"{count} training batch{'es' if count > 1 else ''} of shape {shapes}")
