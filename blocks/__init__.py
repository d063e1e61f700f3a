"""Prefect blocks: secrets and settings, and how they open a provider, the archive and the ledger.

Every module of this folder is imported and its blocks are named here, so that Prefect's own block registry and
``prefect block register -m blocks`` know them all: a new provider adds a file and changes no other line. One that
another distribution brings is found by its entry point in the group ``tasking_flows.blocks``.
"""

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from prefect.blocks.core import Block

_where = [f"{__name__}.{_one.name}" for _one in iter_modules(__path__)]
_where += [_one.value for _one in entry_points(group="tasking_flows.blocks")]
for _module in map(import_module, _where):
    for _name, _kind in vars(_module).items():
        if Block.is_block_class(_kind) and _kind.__module__ == _module.__name__:
            globals()[_name] = _kind
del Block, _where, _module, _name, _kind
