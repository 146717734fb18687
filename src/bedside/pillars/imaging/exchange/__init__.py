"""DICOM out and in: see README.md."""
