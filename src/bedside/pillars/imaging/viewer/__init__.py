"""Volumes and segmentations in a browser: see README.md."""
