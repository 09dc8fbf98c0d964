"""A page as a browser reads it: refuses what is not well-formed, finds its text, forms and links."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br", "wbr", "hr", "img", "rect", "path"}


@dataclass(kw_only=True)
class Form:
    """A form and its fields, with what stands in them."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)


class HtmlPage(HTMLParser):
    """Reads one page. Raises AssertionError when a tag is not closed, or something is inline."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self._words: list[str] = []
        self._goes_on = False
        self._open: list[str] = []
        self._select: str | None = None
        self._textarea = ""
        assert text.startswith("<!doctype html>")
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"
        assert len(set(self.ids)) == len(self.ids), "an id is there twice"

    @property
    def text(self) -> str:
        """What a reader sees, in one line."""
        return re.sub(r"\s+", " ", " ".join(self._words)).strip()

    def form(self, action: str) -> Form:
        """Return the form that is sent to an address."""
        return next(form for form in self.forms if form.action == action)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not [name for name in given if name == "style" or name.startswith("on")], f"inline in {tag}"
        assert tag != "style"
        if tag == "script":
            assert (given["src"] or "").startswith("/static/")
        if (found := given.get("id")) is not None:
            self.ids.append(found)
        self._goes_on = tag == "wbr"
        if tag not in _VOID:
            self._open.append(tag)
        self._collect(tag, {name: value or "" for name, value in given.items()})

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        assert self._open, f"{tag} was not open"
        assert self._open.pop() == tag, f"{tag} closes another"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            assert not data.strip(), "an inline script"
        if self._open and self._open[-1] == "textarea":
            self.forms[-1].fields[self._textarea] += data.removeprefix("\n")  # as browsers do
        if self._goes_on:
            self._words[-1] += data
        else:
            self._words.append(data)
        self._goes_on = False

    def _collect(self, tag: str, given: dict[str, str]) -> None:
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(Form(action=given["action"], method=given["method"]))
        elif tag == "input" and "name" in given:
            if given.get("type") != "checkbox" or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
                if given.get("type") == "hidden":
                    self.forms[-1].hidden.add(given["name"])
        elif tag == "textarea":
            self.forms[-1].fields[given["name"]] = ""
            self._textarea = given["name"]
        elif tag == "select":
            self._select = given["name"]
            self.forms[-1].fields[given["name"]] = ""
        elif tag == "option" and "selected" in given and self._select:
            self.forms[-1].fields[self._select] = given["value"]
