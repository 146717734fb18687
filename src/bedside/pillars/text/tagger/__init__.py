"""Taggers of notes: see README.md."""
