"""Webhooks: a provider says that there is news, and the order it is about goes on at once instead of at the next sweep.

``python -m flows.receiver`` serves it by itself; ``uvicorn --factory flows.receiver:from_settings`` does the same under
a server of your own.
"""

from flows.receiver.app import from_settings, receiver

__all__ = ["from_settings", "receiver"]
