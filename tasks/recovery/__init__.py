"""Runs and orders that nobody would go on with: found by each watch, and set going again."""
