"""Drug discovery: see README.md."""
