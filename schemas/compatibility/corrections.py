r"""Changes that the rules call breaking, and that break nobody.

Either the older document was wrong: a request that it allowed was refused all the same, or an answer that it foresaw
never came. Or a name was changed before the first release that clients could rely on (`_BEFORE_1_0`). Each has its
reason; whoever adds one has looked at what the API did at the time.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """Findings in a document that are none. `finding` is a pattern of the whole text, place and change."""

    document: str
    finding: str
    reason: str


_COMMANDS = "openapi/command-api.json"
_QUERIES = "openapi/query-api.json"
_BEFORE_1_0 = "The glossary's name, given before the first release that clients could rely on: it was "
_BODY = r"\$\.components\.schemas\.CreatePaymentBody\.properties\."

CORRECTIONS = (
    Correction(
        document=_COMMANDS,
        finding=_BODY + r'capture_method: the default "automatic" has become \(none\)',
        reason="It is automatic as before. Generators require a field that has a default: the description says it.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r"\$\.components\.schemas\.(ErasureBody\.properties\.force|RecordExportBody\.properties\.filters)"
        r": the default (false|\{\}) has become \(none\)",
        reason="What is left out means the same as before. Generators require a field that has a default.",
    ),
    Correction(
        document=_COMMANDS,
        finding=_BODY
        + r"(user_id|description(\.anyOf\[0\])?|statement_descriptor_suffix(\.anyOf\[0\])?): pattern \(none\) .*",
        reason="A blank user, U+0000 and a suffix without a letter were refused from the start.",
    ),
    Correction(
        document=_COMMANDS,
        finding=_BODY
        + r"metadata(\.additionalProperties)?: (maxProperties|propertyNames|maxLength|pattern) \(none\) .*",
        reason="Stripe's limits of metadata were enforced from the start, and told in words.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r"\$\.components\.schemas\.RequestReconciliationBody\.properties\.date: pattern \(none\) .*",
        reason="A day before 2011 was refused from the start.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r'\$\.paths\[.*\]\.post\.parameters\[\d\]\.schema: pattern \(none\) has become "\^\(\[!#-~\].*',
        reason="An Idempotency-Key with other characters was refused from the start; quotes are not counted.",
    ),
    Correction(
        document=_COMMANDS,
        finding=r"\$\.paths\[.*stripe.*\].*\.received: now allows other values",
        reason="It is always true, as before. Generators for Java cannot compile a constant that is no text.",
    ),
    Correction(
        document=_QUERIES,
        finding=r"\$\.paths\[.*\]\.get\.parameters\[\d+\]\.schema(\.anyOf\[0\])?: "
        r'pattern \(none\) has become "\^\(\?!0000\|0001\|9999\).*',
        reason="Years before 0001 and after 9999 were never understood.",
    ),
    Correction(
        document=_QUERIES,
        finding=r"\$\.components\.schemas\.DiscrepancyView\.properties\.(who|why): removed",
        reason=_BEFORE_1_0 + "who, why; it is actor, reason.",
    ),
    Correction(
        document=_QUERIES,
        finding=r"\$\.components\.schemas\.ReconciliationView\.properties\.healing: removed",
        reason=_BEFORE_1_0 + "healing; it is backfilled.",
    ),
)


def is_correction(document: str, finding: str) -> bool:
    """Tell whether a change in a document, as `str(Breaking)` has it, corrects what was never so."""
    return any(each.document == document and re.fullmatch(each.finding, finding) for each in CORRECTIONS)
