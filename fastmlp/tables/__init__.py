"""Tables of one's own: their columns, and what a network takes. Reading files needs the extra `[tables]`: polars."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastmlp.tables.columns import Column as Column
    from fastmlp.tables.columns import describe as describe
    from fastmlp.tables.columns import find_columns as find_columns
    from fastmlp.tables.preparation import Preparation as Preparation
    from fastmlp.tables.reading import open_table as open_table
    from fastmlp.tables.reading import read as read
    from fastmlp.tables.reading import read_batches as read_batches
    from fastmlp.tables.task import Task as Task
    from fastmlp.tables.task import find_task as find_task

HOMES = {
    "Column": "columns",
    "Preparation": "preparation",
    "Task": "task",
    "describe": "columns",
    "find_columns": "columns",
    "find_task": "task",
    "open_table": "reading",
    "read": "reading",
    "read_batches": "reading",
}

if not TYPE_CHECKING:  # type checkers take the imports above, and report other names
    __all__ = list(HOMES)

    def __getattr__(name):
        if name in HOMES:
            try:
                return getattr(importlib.import_module(f"fastmlp.tables.{HOMES[name]}"), name)
            except ModuleNotFoundError as error:
                if error.name != "polars":
                    raise
                raise ImportError(f"tables.{name}: needs polars: pip install 'fastmlp[tables]'") from error
        raise AttributeError(f"module 'fastmlp.tables' has no attribute {name!r}")

    def __dir__():
        return sorted(__all__)
