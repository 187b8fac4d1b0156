"""Attributes that are computed once, by whoever asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cached_property as cached_property
else:

    class cached_property:
        """functools' one without the lock that it has up to Python 3.11, for all objects of a class together.

        A fork leaves that held in the child for good where another thread is just computing. Here two threads may
        compute the same value, of which one is kept.
        """

        def __init__(self, function):
            self.function, self.__doc__ = function, function.__doc__

        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            return vars(instance).setdefault(self.name, self.function(instance))
