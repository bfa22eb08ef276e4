"""Tuning a recipe to recordings: what may change, how a candidate is scored, which one is kept."""
