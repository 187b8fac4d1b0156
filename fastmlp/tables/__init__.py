"""Tables of one's own: their columns, and what a network takes. Reading files needs the extra `[tables]`: polars."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def with_polars(module: str, asked_for: str) -> Any:
    """Return a module that needs polars; ImportError with what is to be installed, where that is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "polars":
            raise
        raise ImportError(f"{asked_for}: needs polars: pip install 'fastmlp[tables]'") from error


if not TYPE_CHECKING:  # type checkers take the imports above, and report other names
    __all__ = list(HOMES)

    def __getattr__(name):
        if name in HOMES:
            return getattr(with_polars(f"fastmlp.tables.{HOMES[name]}", f"tables.{name}"), name)
        raise AttributeError(f"module 'fastmlp.tables' has no attribute {name!r}")

    def __dir__():
        return sorted(__all__)
