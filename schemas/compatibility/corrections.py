r"""What earlier documents said and was never so: changes that the rules call breaking, and that break nobody.

A request that the older document allowed was refused all the same, or an answer that it foresaw never came. Each has
its reason; whoever adds one has looked at what the API did at the time.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """Findings in a document that are none. `finding` is a pattern of the whole text, place and change."""

    document: str
    finding: str
    why: str


_COMMANDS = "openapi/command-api.json"
_QUERIES = "openapi/query-api.json"
_BODY = r"\$\.components\.schemas\.CreatePaymentBody\.properties\."

CORRECTIONS = (
    Correction(
        document=_COMMANDS,
        finding=_BODY + r'capture_method: the default "automatic" has become \(none\)',
        why="It is automatic as before. A default makes generators of types require the field, so it is said in words.",
    ),
    Correction(
        document=_COMMANDS,
        finding=_BODY
        + r"(user_id|description(\.anyOf\[0\])?|statement_descriptor_suffix(\.anyOf\[0\])?): pattern \(none\) .*",
        why="A blank user, U+0000 and a suffix without a letter were refused from the start.",
    ),
    Correction(
        document=_COMMANDS,
        finding=_BODY
        + r"metadata(\.additionalProperties)?: (maxProperties|propertyNames|maxLength|pattern) \(none\) .*",
        why="Stripe's limits of metadata were enforced from the start, and told in words.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r"\$\.components\.schemas\.RequestReconciliationBody\.properties\.date: pattern \(none\) .*",
        why="A day before 2011 was refused from the start.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r'\$\.paths\[.*\]\.post\.parameters\[\d\]\.schema: pattern \(none\) has become "\^\(\[!#-~\].*',
        why="An Idempotency-Key with other characters was refused from the start; quotes are not counted.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r"\$\.paths\[.*stripe.*\].*\.received: now allows other values",
        why="It is always true, as before. Generators for Java cannot compile a constant that is no text.",
    ),
    Correction(
        document=_QUERIES,
        finding=r"\$\.paths\[.*\]\.get\.parameters\[\d+\]\.schema(\.anyOf\[0\])?: "
        r'pattern \(none\) has become "\^\(\?!0000\|0001\|9999\).*',
        why="Years before 0001 and after 9999 were never understood.",
    ),
)


def is_correction(document: str, finding: str) -> bool:
    """Tell whether a change in a document, as `str(Breaking)` has it, corrects what was never so."""
    return any(each.document == document and re.fullmatch(each.finding, finding) for each in CORRECTIONS)
