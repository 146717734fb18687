"""Whole slides: see README.md."""
