"""Prefect blocks: secrets and settings, and how they open a provider, the archive and the ledger.

Every module of this folder is imported, so that Prefect's own block registry knows them all: a new provider adds a file
and changes no other line.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
