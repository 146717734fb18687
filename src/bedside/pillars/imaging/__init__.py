"""Medical images: see README.md."""
