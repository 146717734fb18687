"""The sealed model and its runners: see README.md and `store.py`."""
