"""Who gets a prediction, when, from what, and with which label."""
