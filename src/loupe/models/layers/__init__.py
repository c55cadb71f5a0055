"""Layers that torch has not, or not as wanted here: one file each."""
