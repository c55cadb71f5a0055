"""Run folders as self-contained HTML pages."""
