"""Where settings come from that are neither in the environment nor in `.env`: nowhere, unless a command names a place.

Apart from infra.settings, since the command line starts without loading that.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback:
    """`variables` are used where nothing else is set. `hint`: what to say when settings are missing all the same."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    hint: str | None = None


def _nothing() -> Fallback:
    return Fallback()


_found: ContextVar[Callable[[], Fallback]] = ContextVar("fallback", default=_nothing)


def fall_back_on(find: Callable[[], Fallback]) -> Callable[[], None]:
    """Have `find` asked, each time that settings are read, for what is not set; return what ends that."""
    token = _found.set(find)
    return lambda: _found.reset(token)


def fallback() -> Fallback:
    """Return what to use where nothing is set."""
    return _found.get()()
