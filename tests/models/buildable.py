"""Models to be tried in tests: all of them, those of extras where these are installed."""

import pytest
from torch import nn

from loupe.errors import LoupeError
from loupe.models import MODELS, build_model
from loupe.models.timm_backbone import load_timm
from loupe.runtime import Streams


def find_timm_problem() -> str:
    """Return why timm cannot be imported here; "" if it can."""
    try:
        load_timm()
    except LoupeError as error:
        return f"timm cannot be imported: {error.got}"
    return ""


needs_timm = pytest.mark.skipif(bool(find_timm_problem()), reason=find_timm_problem() or "timm is there")
MODEL_NAMES = [pytest.param(name, marks=needs_timm) if name == "timm" else name for name in MODELS.names()]
"""For `parametrize`."""

SHAPES = [(1, (28, 28), 5), (3, (32, 32), 10), (2, (33, 29), 7)]  # channels, image size, classes


def build(name: str, shape: tuple[int, tuple[int, int], int] = SHAPES[0], **settings: object) -> nn.Module:
    in_channels, image_size, num_classes = shape
    with Streams(0).as_global("model"):
        return build_model(
            name, in_channels=in_channels, image_size=image_size, num_classes=num_classes, **settings
        )
