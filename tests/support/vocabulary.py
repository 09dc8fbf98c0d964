"""Words that the code and its documents no longer use, and the terms that took their place (docs/glossary.md).

`make lint` runs this module. A word is looked for in the names of modules, of Python, of SQL and of the published
documents; one that is `private` to this project also in what people read: documentation and the names of tests.

Migrations, what a release left behind for upgrade tests, and published schemas with a newer version stay as they are.
"""

import itertools
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

_EXEMPT = (
    "infra/migrations/sql/",
    "infra/migrations/versions/",
    "tests/integration/upgrade/fixtures/",
    "tests/support/vocabulary.py",
    "tests/unit/test_vocabulary.py",
    "docs/glossary.md",  # it names them, to say what they are called now
    "CHANGELOG.md",  # likewise
    "docs/runbooks/upgrade.md",  # likewise
)
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_NAME = re.compile(r"[A-Za-z_]\w*")
# What matters here, in a fifth of the time of `tokenize`.
_PYTHON_TOKEN = re.compile(
    r"""#[^\n]*|[rbuf]{0,2}(?:\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<name>[^\W\d]\w*)|\d\w*""",
    re.IGNORECASE | re.DOTALL,
)
_TEXT_THAT_IS_A_NAME = re.compile(r"""[rbuf]*(["'])(?P<name>[A-Za-z_][\w.-]*)\1""", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class OldWord:
    """A word, as a regular expression for whole parts of a name, and the term that took its place.

    `allowed` are names and files in which it is right, each with the reason.
    """

    word: str
    term: str
    private: bool = False
    allowed: Mapping[str, str] = field(default_factory=dict)

    def allows(self, use: "Use") -> bool:
        """Whether this use of it is right."""
        return any(use.name == each or use.path.startswith(each) for each in self.allowed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A name or a word, and where it is."""

    path: str
    line: int
    name: str
    sentence: bool = False
    """It is read as a sentence: the name of a test, or documentation."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}"


_KEPT_ANSWERS = {"infra/stripe_sandbox/differential/scripts.py": "names in answers that are kept"}
_UPCAST = {
    "schemas/events/": "a field of an older version, which an upcaster reads",
    "tests/unit/schemas/": "likewise",
    "tests/integration/upgrade/": "likewise",
    "docs/runbooks/upgrade.md": "what became of it",
    "docs/consuming-events.md": "likewise",
}
_EXAMPLES = {
    "tests/unit/infra/stripe_sandbox/": "values of examples",
    "tests/integration/infra/stripe_sandbox/": "likewise",
    "tests/unit/infra/test_card_numbers.py": "likewise",
}

OLD_WORDS: Sequence[OldWord] = (
    OldWord(word="desks?", term="admin", private=True),
    OldWord(word="undertaker|bury|buries|buried|burials?", term="dead-letter (verb), DeadLetterWriter", private=True),
    OldWord(
        word="forgiven",
        term="acknowledged",
        private=True,
        allowed={"infra/kafka/consumer/checkpoints.sql": "a column that the code of the release before reads"},
    ),
    OldWord(word="(stand|stands|standing)_still", term="halted", private=True),
    OldWord(word="heal|heals|healed|healing", term="backfill", private=True, allowed=_UPCAST),
    OldWord(word="orphan", term="unmatched row"),
    OldWord(word="wish|wishes", term="request", private=True),
    OldWord(word="wanted|asked|asking_event", term="request, requesting event", allowed=_KEPT_ANSWERS),
    OldWord(word="turns|turned|take_turns", term="leader election"),
    OldWord(word="stand_by", term="standby", private=True),
    OldWord(word="settler", term="TaskCompleter", private=True),
    OldWord(
        word="settles?|settled",
        term="complete; settlement is a movement of money",
        allowed={
            "infra/stripe_sandbox/": "Stripe settles refunds and payouts",
            "tests/unit/infra/stripe_sandbox/": "likewise",
            "tests/integration/infra/stripe_sandbox/": "likewise",
            "STRIPE_SANDBOX_SETTLE_MS": "how long the sandbox takes for it",
            "settle_refund": "a method of the sandbox's client",
            "settle_payout": "likewise",
        },
    ),
    OldWord(word="put_off", term="deferred", private=True),
    OldWord(
        word="held_back",
        term="throttled",
        private=True,
        allowed=_UPCAST,
    ),
    OldWord(
        word="notes?|note_waiting",
        term="index, watch list",
        allowed=_EXAMPLES
        | {
            "note": "a key of an example",
            "X-Note": "an invented header",
            "Note": "a signed note, as its specification calls it",
            "event_store/proofs/note.py": "likewise",
            "tests/unit/event_store/proofs/test_note.py": "likewise",
        },
    ),
    OldWord(
        word="news",
        term="change",
        private=True,
        allowed={"schemas/compatibility/": "the plural of new, beside olds"},
    ),
    OldWord(word="patience|after_calls", term="WaitForInFlightCalls"),
    OldWord(
        word="books",
        term="statement",
        allowed=_EXAMPLES | {"BOOKS": "an example of a text on a card statement", "_TWO_BOOKS": "an example"},
    ),
    OldWord(word="paid_out", term="payout items", allowed={"ch_not_paid_out_yet": "an example"}),
    OldWord(word="judges?|judged|verdicts?", term="classify, classification", private=True),
    OldWord(
        word="reviews?",
        term="candidate",
        allowed=dict.fromkeys(
            (
                *("UNDER_REVIEW", "WARNING_UNDER_REVIEW", "APPEAL_UNDER_REVIEW"),
                *("under_review", "warning_under_review", "appeal_under_review"),
            ),
            "a status of Stripe's disputes",
        )
        | {"reviews": "Stripe's object of that name", "review": "likewise"},
    ),
    OldWord(word="facts?", term="observation"),
    OldWord(
        word="announce",
        term="what it does: publish, record metrics, log",
        allowed={"event_store/recovery/": "a message that every relay has to see before the log is opened"},
    ),
    OldWord(
        word="tell",
        term="what it does: log, report",
        allowed=dict.fromkeys(("infra/embedded/child_process.py", "back_office/exports/files.py"), "a method of files"),
    ),
    OldWord(word="tellings?", term="ErrorSpec", private=True),
    OldWord(
        word="told",
        term="reported, progress",
        allowed={
            "infra/stripe_sandbox/sql/": "a column of files that are kept",
            "infra/stripe_sandbox/events/log.py": "likewise",
            "tests/integration/upgrade/generate_fixture.py": "likewise: it takes the secrets out of that column",
            "tests/unit/infra/stripe_sandbox/": "what events told, in words",
        },
    ),
    OldWord(
        word="too_late",
        term="lease expired",
        allowed=_KEPT_ANSWERS | {"tests/integration/upgrade/story.py": "names in fixtures that are kept"},
    ),
    OldWord(word="beat", term="heartbeat"),
    OldWord(word="pulse", term="heartbeat", private=True),
    OldWord(word="gate", term="admission"),
    OldWord(word="room", term="capacity"),
    OldWord(word="admitted", term="wait_until_open"),
    OldWord(word="moot", term="obsolete", private=True),
    OldWord(word="who", term="actor", allowed=_EXAMPLES | _UPCAST),
    OldWord(
        word="why",
        term="reason",
        allowed=_UPCAST | {"Why": "the head of a column, for people"},
    ),
    OldWord(word="life_at_stripe|closer", term="what is there: lifecycle", private=True),
    OldWord(word="mends?|mended", term="remedy", allowed=_KEPT_ANSWERS),
)

OLD_MODULES: Mapping[str, str] = {
    "handled": "event_types",
    "find": "lookup",
    "notes": "index",
    "together": "what it gathers",
}

QUALIFIED = ("Operation", "Outcome", "Progress", "Kind", "Claim", "Plan", "Conclusion", "Ending")
"""Class names that say too little alone: each is to say of what it is one."""


@cache
def old_words(name: str) -> tuple[OldWord, ...]:
    """Return the old words in a name, however it is written: held_back, HELD_BACK or HeldBack."""
    parts = "_".join(part.lower() for part in _PART.findall(name))
    return tuple(old for old in OLD_WORDS if re.search(rf"(?:^|_)(?:{old.word})(?:_|$)", parts))


def findings() -> dict[str, list[Use]]:
    """Return every use of an old word that is not allowed, by the word."""
    found: dict[str, list[Use]] = {}
    for use in (use for path in _files() for use in _uses(path)):
        for old in old_words(use.name):
            if (old.private or not use.sentence) and not old.allows(use):
                found.setdefault(old.word, []).append(use)
        if use.name.startswith("class "):
            found.setdefault(use.name, []).append(use)
        if use.line == 0 and Path(use.name).suffix == ".py" and Path(use.name).stem in OLD_MODULES:
            found.setdefault(use.name, []).append(use)
    return found


def refused() -> list[str]:
    """Return a line for each use of a word that is no longer allowed, with the term to take."""
    terms = {old.word: old.term for old in OLD_WORDS}
    terms |= {f"{name}.py": f"{term}.py" for name, term in OLD_MODULES.items()}
    return [f"{use}: say {terms.get(word, 'of what it is one')}" for word, uses in findings().items() for use in uses]


def _files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.splitlines() if not path.startswith(_EXEMPT) and (ROOT / path).is_file()]


def _uses(path: str) -> Iterator[Use]:
    if Path(path).suffix in {".py", ".sql"}:
        for part in Path(path).parts:
            yield Use(path=path, line=0, name=part, sentence=part.startswith("test_"))
    read = {".py": _in_python, ".sql": _in_sql, ".md": _in_markdown, ".json": _in_published}.get(Path(path).suffix)
    if read is not None:
        for line, name, sentence in read(path):
            yield Use(path=path, line=line, name=name, sentence=sentence)


Found = Iterator[tuple[int, str, bool]]


def _in_python(path: str) -> Found:
    """Names, and texts that are one name: the events of logs, the parameters of SQL."""
    source, before, line, end = (ROOT / path).read_text("utf-8"), "", 1, 0
    for token in _PYTHON_TOKEN.finditer(source):
        line, end = line + source.count("\n", end, token.start()), token.start()
        if name := token["name"]:
            yield line, name, name.startswith("test_")
            if before == "class" and name in QUALIFIED:
                yield line, f"class {name}", False
            before = name
        elif text := _TEXT_THAT_IS_A_NAME.fullmatch(token[0]):
            yield line, text["name"], False


def _in_sql(path: str) -> Found:
    for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1):
        for name in _NAME.findall(line.partition("--")[0]):
            yield number, name, False


def _in_markdown(path: str) -> Found:
    for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), 1):
        words = _NAME.findall(line)
        for word in words:
            yield number, word, True
        for pair in itertools.pairwise(words):
            yield number, "_".join(pair), True


def _in_published(path: str) -> Found:
    """The fields of the newest version of a published document."""
    if not path.startswith("schemas/exported/") or path.endswith("asyncapi.json"):  # it repeats the others
        return
    stem, version = re.fullmatch(r"(.*?)(?:\.v(\d+))?\.json", path).groups()  # type: ignore[union-attr] # always fits
    if version and (ROOT / f"{stem}.v{int(version) + 1}.json").exists():
        return
    for name in _fields(json.loads((ROOT / path).read_text("utf-8"))):
        yield 0, name, False


def _fields(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        properties = document.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for value in document.values():
            yield from _fields(value)
    elif isinstance(document, list):
        for value in document:
            yield from _fields(value)


def main() -> int:
    """Print what is refused; return the exit code."""
    lines = refused()
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
