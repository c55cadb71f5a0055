"""The door to captum, which is installed only by those who want it."""

from typing import Any

from loupe.errors import LoupeError


def load_captum_class(name: str) -> Any:
    """Return a class of `captum.attr`, imported only now.

    Raises:
        LoupeError: the package captum is not installed.
    """
    try:
        import captum.attr
    except ImportError:
        raise LoupeError(
            f"{name} needs the package captum.",
            got="no such package",
            allowed="the extra `explain`",
            next_step="pip install 'loupe-bench[explain]', or use grad-cam or occlusion",
        ) from None
    return getattr(captum.attr, name)
