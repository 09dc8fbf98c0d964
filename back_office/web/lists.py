"""Lists in pages: what an API lists, and the addresses of its other pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from back_office.apis.client import Api
from back_office.apis.errors import Json
from back_office.web.addresses import with_query


async def listed(api: Api, path: str, parameters: Mapping[str, str], mistakes: Mapping[str, str]) -> Json:
    """Return a page of a list; an empty one, without asking the API, where there are mistakes in the filters."""
    if mistakes:
        return {"data": [], "next_cursor": None}
    return (await api.get(path, parameters)).body


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLinks:
    """The addresses of other pages of a list, as `ui.pages` of the templates links to them; None: there is none."""

    first: str | None
    """None on the first page itself."""
    next: str | None


def page_links(
    path: str,
    filters: Mapping[str, str] | Sequence[tuple[str, str]],
    *,
    shown: str,
    following: str | int | None,
    parameter: str = "cursor",
) -> PageLinks:
    """Return the links of a page of a list whose address has these filters.

    `shown` and `following` are the places of this page (empty: the first) and of the next one, as `parameter` has them.
    """
    pairs = list(filters.items() if isinstance(filters, Mapping) else filters)
    return PageLinks(
        first=with_query(path, pairs) if shown else None,
        next=with_query(path, [*pairs, (parameter, str(following))]) if following else None,
    )
