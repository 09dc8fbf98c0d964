"""Searching: https://docs.stripe.com/search.

Terms joined by AND, each exact or, for numbers, a comparison: `metadata['order']:'7' AND amount>100`. Stripe's
index lags behind, by up to a minute mostly; the sandbox's does so for new intents where it is told to. What changes on
an intent that is found already is found at once.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import floor
from operator import eq, ge, gt, le, lt

from infra.stripe_sandbox.errors import StripeError, invalid_parameter
from infra.stripe_sandbox.expand import expanded_items
from infra.stripe_sandbox.not_modelled import not_modelled
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import LIMIT, page_limit
from infra.stripe_sandbox.params import spec, text
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render
from infra.stripe_sandbox.store import FOREVER

_TERM = re.compile(
    r"""(?P<field>[a-z_]+)
        (?:\[(?:"(?P<key1>[^"]+)"|'(?P<key2>[^']+)')\])?
        (?P<operator>:|>=|<=|>|<)
        (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"']+))""",
    re.VERBOSE,
)
_JOINT = re.compile(r"\s+(?P<word>AND|OR)\s+", re.IGNORECASE)
_NAME = r"""[a-z_]+(?:\[(?:"[^"]+"|'[^']+')\])?"""
_NEGATED = re.compile(rf"-{_NAME}[:<>~]")
_LIKE = re.compile(rf"{_NAME}~")
_NULL = "null"
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {":": eq, ">": gt, "<": lt, ">=": ge, "<=": le}
_TEXT_FIELDS = frozenset({"status", "currency", "customer"})
_NUMBER_FIELDS = frozenset({"amount", "created"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One condition; `key` is set for metadata."""

    field: str
    key: str | None
    operator: str
    value: str

    def holds(self, intent: PaymentIntent) -> bool:
        """Whether the intent meets the condition."""
        if self.field == "metadata":
            return intent.metadata.get(self.key or "") == self.value
        actual = getattr(intent, self.field)
        if self.field in _NUMBER_FIELDS:
            return _COMPARISONS[self.operator](actual, int(self.value))
        return bool(actual == self.value)


def parse(query: str) -> list[Term]:
    """Return the conditions of a query. Raises StripeError (400) for what Stripe, or the sandbox, cannot read."""
    terms: list[Term] = []
    position = 0
    while True:
        match = _TERM.match(query, position)
        if match is None:
            raise _refused(query, position)
        terms.append(_term(match))
        rest = query[match.end() :]
        if not rest.strip():
            return terms
        joint = _JOINT.match(rest)
        if joint is None:
            raise _unreadable()
        if joint["word"].upper() == "OR":
            raise not_modelled("the operator OR in a search", param="query")
        position = match.end() + joint.end()


def search(call: Call) -> Reply:
    """Return the intents that meet all terms, newest first."""
    params = call.params
    terms = parse(params.required_text("query").strip())
    limit = page_limit(params)
    below = _position(params.text("page"))
    indexed = _indexed_until(call)
    matching = (
        (seq, intent)
        for seq, intent in _candidates(call, terms, below)
        if intent.created <= indexed and all(t.holds(intent) for t in terms)
    )
    found = list(islice(matching, limit + 1))
    page = found[:limit]
    has_more = len(found) > limit
    return Reply(
        body={
            "object": "search_result",
            "data": expanded_items(call, [render(intent) for _, intent in page]),
            "has_more": has_more,
            "next_page": _token(page[-1][0]) if has_more else None,
            "url": "/v1/payment_intents/search",
        }
    )


def _indexed_until(call: Call) -> int:
    """Return the last second whose intents are found. In which part of a second an intent was made is not known."""
    lag = call.world.behaviour.search_lag_s
    return call.now if lag == 0 else floor(call.world.clock() - lag) - 1


def _candidates(call: Call, terms: list[Term], below: int) -> Iterator[tuple[int, PaymentIntent]]:
    for term in terms:
        if term.key is not None:
            return call.store.by_metadata(PaymentIntent, call.account, term.key, term.value, below=below)
    return call.store.newest_first(PaymentIntent, call.account, count=FOREVER, edge=below)


def _term(match: re.Match[str]) -> Term:
    field, operator = match["field"], match["operator"]
    key = match["key1"] or match["key2"]
    value = next(part for part in (match["double"], match["single"], match["bare"]) if part is not None)
    if match["bare"] is not None and value.lower() == _NULL:
        raise not_modelled("null in a search", param="query")
    if field == "metadata":
        if key is None or operator != ":":
            raise _unreadable()
    elif key is not None or field not in _TEXT_FIELDS | _NUMBER_FIELDS:
        raise invalid_parameter(
            f"Field `{field}` is an unsupported search field for resource `payment_intents`. See "
            "http://stripe.com/docs/search#query-fields-for-payment-intents for a list of supported fields."
        )
    elif (field in _TEXT_FIELDS and operator != ":") or (field in _NUMBER_FIELDS and not value.isdecimal()):
        raise _unreadable()
    return Term(field=field, key=key, operator=operator, value=value)


def _refused(query: str, position: int) -> StripeError:
    """Return the refusal of a text that is no term here, be it one in Stripe's grammar or not."""
    if _NEGATED.match(query, position):
        return not_modelled("negation in a search", param="query")
    if _LIKE.match(query, position):
        return not_modelled("substrings in a search", param="query")
    return _unreadable()


def _unreadable() -> StripeError:
    return invalid_parameter(
        'We were unable to parse your search query. Try using the format `metadata["key"]:"value"` to query for '
        'metadata or key:"value" to query for other fields.'
    )


def _token(position: int) -> str:
    return urlsafe_b64encode(str(position).encode()).decode()


def _position(token: str | None) -> int:
    if token is None:
        return FOREVER
    try:
        return int(urlsafe_b64decode(token))
    except ValueError as error:
        raise invalid_parameter("Invalid page token.", param="page") from error


OPERATION = ApiOperation(
    method="GET",
    path="/v1/payment_intents/search",
    accepts=spec(text("query", required=True), text("page"), LIMIT),
    run=search,
)
