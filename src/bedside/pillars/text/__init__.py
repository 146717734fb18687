"""Clinical text: see README.md."""
