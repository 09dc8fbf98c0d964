"""Finds and masks card numbers. Time grows with the length of what is looked through, whatever is in it."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from infra.card_numbers.normalize import readings, traced_readings
from infra.card_numbers.other_numbers import is_article_or_telephone, known_numbers
from infra.card_numbers.schemes import is_card

_FEWEST, _MOST = 13, 19
_DIGITS = b"0123456789"
# In JSON these may stand for digits or separators: then the bytes alone do not say what the text is.
_ESCAPES = re.compile(rb"[\\%&\x80-\xff]")
_SUSPECT = re.compile(rb"[0-9](?:[^0-9A-Za-z]{0,4}[0-9]){12}")
_SUSPECT_TEXT = re.compile(r"[0-9](?:[\W_]{0,4}[0-9]){12}")
# Digits and at most four other characters in between, without a letter. Nothing follows: no match is tried again.
_NUMBERS = re.compile(r"[0-9]+(?:[\W_]{1,4}[0-9]+)*")
_RUN = re.compile(r"[0-9]+")
_GROUP = 4  # of digits, the first of each
_GROUPINGS = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 5))

Span = tuple[int, int]


def holds_card_number(raw: bytes, document: Any, *, but: Collection[str] = ()) -> bool:
    """Tell whether any string of a JSON document, keys included, holds a card number.

    `raw` is the document as it came; most have no long run of digits, and then the document is not walked. `but` names
    members whose values are not looked at, by their path: `user_id`, `metadata.order_id`.
    """
    if not _may_hold(raw):
        return False
    pending: list[tuple[Any, str]] = [(document, "")]
    while pending:
        found, path = pending.pop()
        match found:
            case str(text) if text_holds_card_number(text):
                return True
            case dict(members):
                for name, value in members.items():
                    if text_holds_card_number(name):
                        return True
                    at = (f"{path}.{name}" if path else name) if but else ""
                    if not but or at not in but:
                        pending.append((value, at))
            case list(items):
                pending.extend((item, path) for item in items)
            case _:
                pass
    return False


def text_holds_card_number(text: str) -> bool:
    """Tell whether a card number stands in the text, alone or between others."""
    if len(text) < _FEWEST:
        return False
    return any(next(_cards(reading), None) is not None for reading in readings(text))


def mask_card_numbers(text: str, mask: str = "***") -> str:
    """Return the text with `mask` in place of each card number."""
    if not text_holds_card_number(text):
        return text
    spans = sorted(
        (came_from[start], came_from[end - 1] + 1 if came_from[end] == came_from[end - 1] else came_from[end])
        for reading, came_from in traced_readings(text)
        for start, end in _cards(reading)
    )
    masked, done = "", 0
    for start, end in spans:
        if start >= done:
            masked += text[done:start] + mask
        done = max(done, end)
    return masked + text[done:]


def _may_hold(raw: bytes) -> bool:
    if _ESCAPES.search(raw) is not None:
        return True
    return len(raw) - len(raw.translate(None, _DIGITS)) >= _FEWEST and _SUSPECT.search(raw) is not None


def _cards(text: str) -> Iterator[Span]:
    """Return where card numbers stand in a text that is written in one way."""
    if _SUSPECT_TEXT.search(text) is None:
        return
    known: _Known | None = None
    for numbers in _NUMBERS.finditer(text):
        if numbers.end() - numbers.start() < _FEWEST:
            continue
        for start, end in _candidates(text, [found.span() for found in _RUN.finditer(text, *numbers.span())]):
            if known is None:
                known = _Known(text)
            if not known.explains(start, end):
                yield start, end


class _Known:
    """Numbers of a known kind in a text, by character: however many there are, looking one up takes no longer."""

    def __init__(self, text: str) -> None:
        self._numbers = list(known_numbers(text))
        self._at = [-1] * len(text)
        for index, (start, end, _) in enumerate(self._numbers):
            self._at[start:end] = [index] * (end - start)

    def explains(self, start: int, end: int) -> bool:
        """Whether what looks like a card's number is a part of one, and not of itself all that makes it one."""
        index = self._at[start]
        if index < 0 or self._at[end - 1] != index:
            return False
        _, last, part = self._numbers[index]
        return (start, end) != (part, last)


def _candidates(text: str, runs: list[Span]) -> Iterator[Span]:
    for index, (start, end) in enumerate(runs):
        digits = text[start:end].lstrip("0")
        if _FEWEST <= len(digits) <= _MOST and is_card(digits):
            if not is_article_or_telephone(digits, text[start - 1 : start]):
                yield start, end
        elif end - start in {_GROUP, _GROUP + 1}:
            yield from _grouped(text, runs[index : index + 5])


def _grouped(text: str, runs: list[Span]) -> Iterator[Span]:
    """Return the card number that begins with the first of these groups."""
    first, last = runs[0]
    if last - first == _GROUP + 1:  # a zero before the first digit
        if text[first] != "0":
            return
        first += 1
    sizes = (last - first, *(end - start for start, end in runs[1:]))
    for grouping in _GROUPINGS:
        if sizes[: len(grouping)] == grouping:
            groups = [(first, last), *runs[1 : len(grouping)]]
            if is_card("".join(text[start:end] for start, end in groups), in_groups=True):
                yield first, groups[-1][1]
                return
