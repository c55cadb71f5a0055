"""A trained network in use: opened, asked for predictions, looked into, compared, exported."""
