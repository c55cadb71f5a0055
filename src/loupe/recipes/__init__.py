"""Packaged recipes: one TOML file each, trained by name."""
