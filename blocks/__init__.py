"""Prefect blocks: secrets and settings, and how they open a provider, the archive and the ledger.

Every module of this folder is imported and its blocks are named here, so that Prefect's own block registry and
``prefect block register -m blocks`` know them all: a new provider adds a file and changes no other line.
"""

from importlib import import_module
from pkgutil import iter_modules

from prefect.blocks.core import Block

for _found in iter_modules(__path__):
    _module = import_module(f"{__name__}.{_found.name}")
    for _name, _kind in vars(_module).items():
        if Block.is_block_class(_kind) and _kind.__module__ == _module.__name__:
            globals()[_name] = _kind
del Block, _found, _module, _name, _kind
