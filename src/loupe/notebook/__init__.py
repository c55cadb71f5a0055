"""Loupe in Python and in notebooks: runs that draw themselves, tables, progress, one-line recipes."""
