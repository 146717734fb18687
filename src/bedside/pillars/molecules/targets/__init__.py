"""Which target-disease pairs succeed: see ../README.md."""
