"""New molecules by search over graphs: see README.md."""
