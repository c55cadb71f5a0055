"""The packaged studies, one TOML file each."""
