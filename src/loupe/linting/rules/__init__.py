"""What `loupe lint` looks for: a file a family of rules."""
