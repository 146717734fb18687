"""Federated training: see README.md."""
