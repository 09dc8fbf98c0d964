"""What may be put right in a published document, and what may not under its cover."""

import pytest

from schemas.compatibility import breaking_changes
from schemas.compatibility.corrections import CORRECTIONS, is_correction
from tests.support.openapi_documents import DOCUMENTS

BODY = "$.components.schemas.CreatePaymentBody.properties"


def test_each_correction_has_a_reason_and_a_document_that_is_published() -> None:
    for each in CORRECTIONS:
        assert len(each.reason) > 20
        assert each.document.removeprefix("openapi/").removesuffix(".json") in DOCUMENTS


@pytest.mark.parametrize(
    "finding",
    [
        f'{BODY}.capture_method: the default "automatic" has become (none)',
        f'{BODY}.user_id: pattern (none) has become "^x$"',
        f"{BODY}.metadata: maxProperties (none) has become 48",
    ],
)
def test_what_was_never_so_may_be_put_right(finding: str) -> None:
    assert is_correction("openapi/command-api.json", finding)
    assert not is_correction("openapi/query-api.json", finding)


@pytest.mark.parametrize(
    "finding",
    [
        f'{BODY}.capture_method: the default "automatic" has become "manual"',
        f"{BODY}.user_id: removed",
        f"{BODY}.user_id: maxLength 500 has become 400",
        f'{BODY}.user_id: pattern "^a$" has become "^b$"',
        f"{BODY}.currency: was optional and has become required",
        "$.paths['/payments'].post.parameters[0].schema: pattern (none) has become \"^[a-z]$\"",
    ],
)
def test_no_other_change_goes_along(finding: str) -> None:
    assert not is_correction("openapi/command-api.json", finding)


def test_a_document_needs_no_correction_of_itself() -> None:
    for document in DOCUMENTS.values():
        assert breaking_changes(document, document) == []
