"""Packaged searches, one TOML file each."""
