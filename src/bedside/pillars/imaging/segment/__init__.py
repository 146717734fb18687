"""Structures in volumes: see README.md."""
