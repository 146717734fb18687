"""A format in, the same format out: survey, policy, keyring, transform, text, residue."""
