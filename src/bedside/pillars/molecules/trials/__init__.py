"""What becomes of a registered trial: see ../README.md."""
