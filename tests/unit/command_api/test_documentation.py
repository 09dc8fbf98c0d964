"""The OpenAPI document says what the routes do."""

from typing import Any

import pytest

from command_api.app import openapi_documents

DOCUMENT = openapi_documents()["openapi/command-api.json"]
PATHS = ["/payments", *(f"/payments/{{payment_id}}/{action}" for action in ("confirm", "capture", "cancel", "refund"))]
PATHS += ["/split-payments", *(f"/split-payments/{{split_payment_id}}/{action}" for action in ("cancel", "refund"))]

PRIVACY_PATHS = ["/privacy/user-data", "/privacy/erasures", "/privacy/exports"]
PAID_PATH = "/payouts/{payout_id}/transactions"
SECRET_PATH = "/payments/{payment_id}/client_secret"

ENDPOINT_PATH = "/webhook-endpoints/{endpoint_id}"
WEBHOOK_PATHS = [
    "/webhook-endpoints",
    *(f"{ENDPOINT_PATH}{each}" for each in ("", "/rotate-secret", "/deliveries", "/replays")),
    f"{ENDPOINT_PATH}/deliveries/{{delivery_id}}/resend",
]

MERCHANT_WEBHOOKS = "/merchants/{merchant_id}/webhook-endpoints"
OPERATIONS = {  # the path, its method, its scope
    **{
        f"/discrepancies/{{discrepancy_id}}/{each}": ("post", "finance:write")
        for each in ("explain", "resolve", "assign")
    },
    **dict.fromkeys(
        (
            "/system",
            "/stripe-events",
            "/stripe-events/{stripe_event_id}",
            "/tasks",
            "/tasks/{task_id}",
            "/sagas",
            "/sagas/{saga_id}",
        ),
        ("get", "admin:read"),
    ),
    **dict.fromkeys(("/dead-letters", "/dead-letters/{dead_letter_id}"), ("get", "admin:read")),
    **{f"/tasks/{{task_id}}/{each}": ("post", "admin:write") for each in ("retry", "give-up")},
    **{f"/sagas/{{saga_id}}/{each}": ("post", "admin:write") for each in ("retry", "give-up")},
    **{f"/dead-letters/{{dead_letter_id}}/{each}": ("post", "admin:write") for each in ("replay", "discard")},
    **dict.fromkeys(("/dead-letters/replay", "/payments/{payment_id}/accept"), ("post", "admin:write")),
    **dict.fromkeys(("/limits", "/merchants/{merchant_id}", "/api-keys/{key_id}"), ("get", "admin:read")),
    **{f"{MERCHANT_WEBHOOKS}{each}": ("get", "admin:read") for each in ("/{endpoint_id}", "/{endpoint_id}/deliveries")},
    "/api-keys/{key_id}/revoke": ("post", "admin:write"),
}
MADE = ("/merchants", "/api-keys", "/api-keys/{key_id}/rotate")
"""Answered with 201; two of the paths have a list too."""


STAFF_PATHS = (
    *("/staff/{name}/sign-ins", "/staff/{name}/recovery-codes", "/staff/{name}/recovery-codes/use"),
    *("/staff/{name}/lock", "/staff/{name}/unlock", "/staff/{name}/end-sessions", "/staff-locks"),
)


def test_there_are_these_commands_and_no_others() -> None:
    assert sorted(DOCUMENT["paths"]) == sorted(
        [
            *PATHS,
            SECRET_PATH,
            PAID_PATH,
            "/exports",
            *PRIVACY_PATHS,
            "/webhooks/stripe",
            "/reconciliations",
            *WEBHOOK_PATHS,
            *OPERATIONS,
            *STAFF_PATHS,
            *MADE,
            MERCHANT_WEBHOOKS,
        ]
    )


@pytest.mark.parametrize("path", OPERATIONS)
def test_what_operators_do_documents_its_scope_security_and_errors(path: str) -> None:
    method, scope = OPERATIONS[path]
    operation = DOCUMENT["paths"][path][method]
    assert operation["security"] == [{"ApiKey": []}]
    assert scope in operation["responses"]["403"]["description"]
    assert {"200", "400", "401", "403", "429", "503"} <= set(operation["responses"])
    assert ("404" in operation["responses"]) == ("{" in path)
    named = {parameter["name"] for parameter in operation.get("parameters", ())}
    assert ("Paystream-Actor" in named) == (method == "post")


@pytest.mark.parametrize("path", MADE)
def test_what_makes_merchants_and_keys_documents_where_it_is_not_possible(path: str) -> None:
    operation = DOCUMENT["paths"][path]["post"]
    assert operation["security"] == [{"ApiKey": []}]
    assert {"201", "400", "401", "403", "409", "422", "429", "501", "503"} <= set(operation["responses"])
    assert ("404" in operation["responses"]) == ("{" in path)
    assert "admin:write" in operation["responses"]["403"]["description"]
    for read in (path, MERCHANT_WEBHOOKS):
        shown = DOCUMENT["paths"][read].get("get")
        assert shown is None or "admin:read" in shown["responses"]["403"]["description"]


def test_the_client_secret_documents_its_security_and_errors() -> None:
    operation = DOCUMENT["paths"][SECRET_PATH]["get"]
    assert operation["security"] == [{"ApiKey": []}]
    assert set(operation["responses"]) == {"200", "400", "401", "403", "404", "409", "429", "502", "503"}


def test_the_webhook_documents_its_signature_and_errors_and_no_api_key() -> None:
    operation = DOCUMENT["paths"]["/webhooks/stripe"]["post"]
    assert operation["security"] == []
    assert [parameter["name"] for parameter in operation["parameters"]] == ["Stripe-Signature"]
    assert set(operation["responses"]) == {"200", "400", "413", "415", "503"}
    assert "security" not in DOCUMENT


@pytest.mark.parametrize("path", PATHS)
def test_every_command_documents_its_body_headers_security_and_errors(path: str) -> None:
    operation = DOCUMENT["paths"][path]["post"]
    assert operation["security"] == [{"ApiKey": []}]
    assert {"Idempotency-Key", "Prefer"} <= {parameter["name"] for parameter in operation["parameters"]}
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    for status, response in operation["responses"].items():
        media_type = "application/json" if status.startswith("2") else "application/problem+json"
        assert list(response["content"]) == [media_type]
    assert {"400", "401", "403", "409", "413", "415", "422", "429", "503"} <= set(operation["responses"])


def test_refund_documents_its_status_codes_and_its_own_error() -> None:
    responses = DOCUMENT["paths"]["/payments/{payment_id}/refund"]["post"]["responses"]
    assert {"200", "202", "404"} <= set(responses)
    examples = responses["422"]["content"]["application/problem+json"]["examples"]
    assert "refund_amount_exceeds_refundable" in examples


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            found = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return found.union(*(references(value) for value in node.values()))
        return set().union(*(references(item) for item in node)) if isinstance(node, list) else set()

    names = {reference.removeprefix("#/components/schemas/") for reference in references(DOCUMENT)}
    assert names <= set(DOCUMENT["components"]["schemas"])
    assert DOCUMENT["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
