"""The version, in one place; `pyproject.toml` reads it from here."""

__version__ = "0.1.0"

NUMBERS_VERSION = 2
"""Raised when a change of the code makes a recipe give other numbers than before.

Studies take a finished run for their own only if it was made with the same one. A test holds it to what a
small training gives.
"""
