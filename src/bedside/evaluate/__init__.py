"""Numbers with intervals, over predictions; knows outcome and score, not models."""
