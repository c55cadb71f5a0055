"""Models to be tried in tests: all of them, those of extras where these are installed."""

import pytest

from loupe.errors import LoupeError
from loupe.models import MODELS
from loupe.models.timm_backbone import load_timm


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
