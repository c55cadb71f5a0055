"""One file a pitfall."""
