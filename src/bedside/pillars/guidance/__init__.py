"""Bedside scores that are not learned: see README.md."""
