"""Reads the request headers of a command: Idempotency-Key, Prefer and Paystream-Actor."""

import re
from collections.abc import Sequence

from command_api.errors import CardNumberRefused
from infra.access.principal import Principal
from infra.card_numbers import text_holds_card_number
from infra.http.problems import Problem
from schemas.personal.encrypted import PREFIX

MAX_KEY_CHARS = 255
ACTOR_HEADER = "Paystream-Actor"
ACTOR_SCOPE = "actor:set"
ACTOR_PATTERN = r"^[A-Za-z][A-Za-z0-9._@+-]{0,63}$"
"""A name as a person logs in with it, or their address: it is kept in the log, so it is short and plain."""

_BARE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')  # sf-string, RFC 9651 section 3.3.3
KEY_PATTERN = (
    rf"^([!#-~]([ -~]{{0,{MAX_KEY_CHARS - 2}}}[!-~])?|\x22([ !#-\[\]-~]|\\[\x22\\]){{1,{MAX_KEY_CHARS}}}\x22)$"
)
"""The header's value as it is documented: what `read_idempotency_key` takes, bare or quoted, but for card numbers."""
_ESCAPE = re.compile(r'\\(["\\])')
_MOST_DIGITS = 9
_WAIT = re.compile(r'wait\s*=\s*(?:"0*(\d+)"|0*(\d+))\s*(?:;.*)?', re.ASCII | re.IGNORECASE)


def read_idempotency_key(values: Sequence[str], *, is_exempt: bool = False) -> str | None:
    """Return the key of a request, or None when it has none.

    Quoted as https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ has it, or bare, as most
    clients send it; both spell the same key. Raises Problem (400, `idempotency_key_invalid`), and CardNumberRefused:
    the key is kept in the log, and nothing can be taken out of there. `is_exempt`: no card number is looked for.
    """
    if not values:
        return None
    value = values[0].strip()
    quoted = _QUOTED.fullmatch(value)
    key = _ESCAPE.sub(r"\1", quoted.group(1)) if quoted else value
    if len(values) > 1 or (not quoted and (value.startswith('"') or not _BARE.fullmatch(value))):
        raise _invalid_key()
    if not 1 <= len(key) <= MAX_KEY_CHARS:
        raise _invalid_key()
    if key.startswith(PREFIX):
        raise _invalid_key(f"Idempotency-Key must not begin with {PREFIX}, which marks personal data.")
    if not is_exempt and text_holds_card_number(key):
        raise CardNumberRefused("Idempotency-Key")
    return key


def read_wait_preference(values: Sequence[str], cap_s: int) -> int | None:
    """Return for how many seconds the client is willing to wait, at most `cap_s`; None without a valid preference.

    RFC 7240: of several `wait` the first counts, and a preference that cannot be understood is ignored.
    """
    for preference in ",".join(values).split(","):
        if preference.strip().lower().partition("=")[0].strip() != "wait":
            continue
        found = _WAIT.fullmatch(preference.strip())
        digits = (found.group(1) or found.group(2)) if found else "0"
        # int() refuses more digits than a header can have.
        return (cap_s if len(digits) > _MOST_DIGITS else min(int(digits), cap_s)) or None
    return None


def read_actor(values: Sequence[str], principal: Principal) -> str:
    """Return who acts, as events have it: `api:<key id>`, and `api:<key id>/<name>` when the key names a person.

    Raises Problem (403) for a key without the scope `actor:set`: nobody else may write another's name into the log;
    Problem (400) for what is no name, and CardNumberRefused.
    """
    by_key = f"api:{principal.key_id}"
    if not values:
        return by_key
    if ACTOR_SCOPE not in principal.scopes:
        raise Problem(403, "forbidden", "Forbidden", f"{ACTOR_HEADER} needs an API key with the scope {ACTOR_SCOPE}.")
    if len(values) > 1 or not re.fullmatch(ACTOR_PATTERN, values[0]):
        detail = f"{ACTOR_HEADER} must be given once: a letter, then up to 63 letters, digits and any of . _ @ + -"
        raise Problem(400, "invalid_request", "Invalid request", detail)
    if text_holds_card_number(values[0]):
        raise CardNumberRefused(ACTOR_HEADER)
    return f"{by_key}/{values[0]}"


def _invalid_key(
    detail: str = f"Idempotency-Key must be given once, with 1 to {MAX_KEY_CHARS} printable ASCII characters.",
) -> Problem:
    return Problem(400, "idempotency_key_invalid", "The Idempotency-Key is not valid", detail)
