"""Arrays to matplotlib figures, in one visual language. Knows no model and no file."""
