"""The packaged reproductions, one TOML file each."""
