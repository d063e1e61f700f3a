"""Webhooks: a provider says that there is news, and the order it is about goes on at once instead of at the next sweep.

``python -m flows.receiver`` serves it by itself. Under uvicorn of your own it is ``flows.receiver:from_settings``, a
factory, with ``--http flows.receiver.serving:BoundedHttp --ws none --no-access-log``.
"""

from flows.receiver.app import from_settings, receiver

__all__ = ["from_settings", "receiver"]
