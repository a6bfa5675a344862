"""Hostile texts, by name."""
