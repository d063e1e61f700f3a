"""Chaos: real orders in real processes, struck at every point of their lives, and judged by the provider and the disk.

``python -m chaos points`` strikes once at each point of a recorded order. ``python -m chaos random`` strikes each of
many orders several times, while servers and workers die. Both end with a table, and with 0 only when nothing was
ordered twice, lost or damaged.
"""
