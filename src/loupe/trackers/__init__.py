"""Observers that write a training for other programs, one file each."""
