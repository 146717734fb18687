"""The rule path from a note to its facts; the door is `RuleExtractor`. Needs no extra."""

from bedside.pillars.text.rules.extractor import RuleExtractor

__all__ = ["RuleExtractor"]
