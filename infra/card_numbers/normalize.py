"""Writes in one way what can be written in many: digits of any script and width, invisible separators.

Unicode's NFKC (https://www.unicode.org/reports/tr15/), every decimal digit as ASCII, and nothing of what has no width.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

# `%20`, `%C2%A0`; `&nbsp;`, `&#8209;`
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,12});")
_NO_WIDTH = frozenset({"Cf", "Mn", "Me"})  # joiners, direction marks, variation selectors, combining marks
_FILLERS = frozenset(
    "\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}"
)


class _Characters(dict[int, str]):
    """What becomes of a character, by its code point; found out once. `gap`: of one without width."""

    def __init__(self, gap: str) -> None:
        super().__init__()
        self._gap = gap

    def __missing__(self, code: int) -> str:
        found = self[code] = "".join(_normal(chr(code), self._gap))
        return found


# Between the groups of a number something without width is a separator, and between all digits it is nothing.
_CHARACTERS = (_Characters(""), _Characters(" "))


def readings(text: str) -> Iterator[str]:
    """Return the ways in which the text may be meant: as it is, and with percent and HTML escapes undone."""
    for plain in _plain(text):
        yield plain
        if "%" in plain or "&" in plain:
            yield from _plain(_ESCAPED.sub(_undone, plain))


def _plain(text: str) -> Iterator[str]:
    if text.isascii():
        yield text
        return
    without, spaced = (text.translate(characters) for characters in _CHARACTERS)
    yield without
    if len(spaced) != len(without):
        yield spaced


def traced_readings(text: str) -> Iterator[tuple[str, list[int]]]:
    """Return the same, each with where its characters come from: one index for each, and the text's length."""
    for plain in _traced_plain(text, range(len(text))):
        yield _traced(plain, len(text))
        written = "".join(each for each, _ in plain)
        if "%" not in written and "&" not in written:
            continue
        undone, came_from, done = "", list[int](), 0
        for found in _ESCAPED.finditer(written):
            meant = _undone(found)
            undone += written[done : found.start()] + meant
            came_from += [at for _, at in plain[done : found.start()]] + [plain[found.start()][1]] * len(meant)
            done = found.end()
        undone += written[done:]
        came_from += [at for _, at in plain[done:]]
        for each in _traced_plain(undone, came_from):
            yield _traced(each, len(text))


def _traced_plain(text: str, came_from: Sequence[int]) -> Iterator[list[tuple[str, int]]]:
    for characters in _CHARACTERS:
        yield [
            (each, came_from[at])
            for at, character in enumerate(text)
            for each in (character if character.isascii() else characters[ord(character)])
        ]
        if text.isascii():
            return


def _traced(characters: list[tuple[str, int]], length: int) -> tuple[str, list[int]]:
    return "".join(each for each, _ in characters), [*(at for _, at in characters), length]


def _undone(found: re.Match[str]) -> str:
    escaped = found.group()
    return unquote(escaped, errors="replace") if escaped.startswith("%") else html.unescape(escaped)


def _normal(character: str, gap: str) -> Iterator[str]:
    if unicodedata.category(character) in _NO_WIDTH or character in _FILLERS:
        yield from gap
        return
    for each in unicodedata.normalize("NFKC", character):
        digit = unicodedata.decimal(each, None)
        yield each if digit is None else str(digit)
