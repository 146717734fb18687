"""Reads ledger and results; writes the model card and the premarket draft."""
