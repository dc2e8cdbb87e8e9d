"""The recurrences over time: one function, whatever the cell and the backend."""

from ._portable import recurrence

__all__ = ["recurrence"]
