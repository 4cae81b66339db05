"""Lists that go on behind the last row shown: a page of rows, and the addresses of the next page and the first."""

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import QuerySet


class Pages:
    """What such a page shows, mixed into what else it shows. The heir says which rows there are and what was asked."""

    size: ClassVar[int] = 50
    # Where the page begins, as its address carries it: the mark of the last row before. None or 0: at the top.
    after: Any = None

    def behind(self) -> QuerySet[Any]:
        """The rows behind ``after``, in the list's order."""
        raise NotImplementedError

    def asked(self) -> dict[str, Any]:
        """What the address asks for besides ``after``; what is empty is left out of it."""
        return {}

    def mark(self, row: Any) -> object:
        """What an address names a row by."""
        return row.pk

    @cached_property
    def _found(self) -> list[Any]:
        return list(self.behind()[: self.size + 1])

    @property
    def rows(self) -> list[Any]:
        return self._found[: self.size]

    def address(self, **changes: Any) -> str:
        """The same list with something else asked for."""
        return "?" + urlencode({name: value for name, value in (self.asked() | changes).items() if value})

    @property
    def next_url(self) -> str:
        return self.address(after=self.mark(self.rows[-1])) if len(self._found) > self.size else ""

    @property
    def first_url(self) -> str:
        """Back to the top, from a later page."""
        return self.address() if self.after else ""
