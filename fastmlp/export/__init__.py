"""Models as files of other programs, one file here for each kind; `models` reads back what can be read back."""

from typing import TYPE_CHECKING

from fastmlp.elsewhere import getter

if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("export")
