"""Records frozen at a day: what was known of a trial or of a target then, and what came of it."""
