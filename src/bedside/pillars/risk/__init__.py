"""Learned clinical risk: see README.md."""
