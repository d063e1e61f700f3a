"""Oriole, a made-up provider: all that a fourth one brings, and the proof that nothing else has to change for it.

It takes orders of points, plans them by itself, and lets them be cancelled until they are taken. ``installed`` is what
its distribution would leave in an environment: the entry points by which block, simulator and kit are found.
"""
