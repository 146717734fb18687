"""Annotated notes: see README.md."""
