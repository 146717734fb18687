"""2-D images: see README.md."""
