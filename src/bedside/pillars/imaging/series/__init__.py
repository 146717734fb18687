"""DICOM instances to volumes: see README.md."""
