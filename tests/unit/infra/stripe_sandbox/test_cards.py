"""The test payment methods do what https://docs.stripe.com/testing says."""

from typing import Any

import pytest

from infra.stripe_sandbox.card_names import CARDS
from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

INTENTS = "/v1/payment_intents"
BACK = "https://shop.test/back"
# The page of November 2026, but for the cards by country.
DOCUMENTED = [
    "visa",
    "visa_debit",
    "mastercard",
    "mastercard_debit",
    "mastercard_prepaid",
    "amex",
    "discover",
    "diners",
    "jcb",
    "unionpay",
    "visa_cartesBancaires",
    "mastercard_cartesBancaires",
    "visa_debit_eftposAuCoBranded",
    "mastercard_debit_eftposAuCoBranded",
    "debit_visaFsaProductCode",
    "debit_visaHsaProductCode",
    "mastercard_debit_mastercardFsaProductCode",
    "visa_chargeDeclined",
    "visa_chargeDeclinedInsufficientFunds",
    "visa_chargeDeclinedLostCard",
    "visa_chargeDeclinedStolenCard",
    "chargeDeclinedExpiredCard",
    "chargeDeclinedIncorrectCvc",
    "chargeDeclinedProcessingError",
    "visa_chargeDeclinedVelocityLimitExceeded",
    "chargeCustomerFail",
    "radarBlock",
    "riskLevelHighest",
    "riskLevelElevated",
    "highFraudDisputeScore",
    "highEfwScore",
    "radarDynamicRiskThreshold",
    "freeTrialAbuseBlock",
    "adaptive3dsChallenge",
    "cvcCheckFail",
    "avsZipFail",
    "cvcCheckFailElevatedRisk",
    "avsZipFailElevatedRisk",
    "avsLine1Fail",
    "avsFail",
    "avsUnchecked",
    "createDispute",
    "createDisputeProductNotReceived",
    "createDisputeInquiry",
    "createIssuerFraudRecord",
    "createMultipleDisputes",
    "createCe3EligibleDispute",
    "createComplianceDispute",
    "createMastercardComplianceDispute",
    "createAutoRepresentmentEligibleDispute",
    "pendingRefund",
    "refundFail",
    "bypassPending",
    "bypassPendingInternational",
    "authenticationRequiredOnSetup",
    "authenticationRequired",
    "authenticationRequiredSetupForOffSession",
    "authenticationRequiredChargeDeclinedInsufficientFunds",
    "threeDSecure2Required",
    "threeDSecureRequiredChargeDeclined",
    "threeDSecureRequiredProcessingError",
    "threeDSecureOptional",
    "threeDSecureOptionalProcessingError",
    "amex_threeDSecureNotSupported",
]
COUNTRIES = [
    "us",
    "ar",
    "br",
    "ca",
    "cl",
    "co",
    "cr",
    "ec",
    "mx",
    "pa",
    "py",
    "pe",
    "uy",
    "ae",
    "at",
    "be",
    "bg",
    "by",
    "hr",
    "cy",
    "cz",
    "dk",
    "ee",
    "fi",
    "fr",
    "de",
    "gi",
    "gr",
    "hu",
    "ie",
    "it",
    "lv",
    "li",
    "lt",
    "lu",
    "mt",
    "nl",
    "no",
    "pl",
    "pt",
    "ro",
    "si",
    "sk",
    "es",
    "se",
    "ch",
    "gb",
    "au",
    "cn",
    "hk",
    "in",
    "jp",
    "my",
    "nz",
    "sg",
    "tw",
    "ae_mastercard",
    "gb_debit",
    "gb_mastercard",
    "th_credit",
    "th_debit",
]


async def paid_with(api: StripeHttp, card: str, **params: Any) -> dict[str, Any]:
    response = await api.post(INTENTS, **PAYMENT | {"payment_method": f"pm_card_{card}"}, **params)
    answered: dict[str, Any] = response.json()
    return answered


@pytest.mark.parametrize("name", [*DOCUMENTED, *COUNTRIES])
async def test_every_documented_name_can_be_charged(stripe_http: StripeHttp, name: str) -> None:
    answered = await paid_with(stripe_http, name, return_url=BACK)

    card = CARDS[f"pm_card_{name}"]
    if "error" in answered:
        assert (answered["error"]["type"], answered["error"]["code"]) == ("card_error", card.decline.code)  # type: ignore[union-attr]
    else:
        assert answered["status"] in {"succeeded", "requires_action"}


@pytest.mark.parametrize(
    ("name", "level", "checks"),
    [
        ("riskLevelElevated", "elevated", (None, None, "pass")),
        ("cvcCheckFail", "normal", (None, None, "fail")),
        ("avsZipFailElevatedRisk", "elevated", (None, "fail", "pass")),
        ("avsFail", "normal", ("fail", "fail", "pass")),
        ("avsUnchecked", "normal", ("unavailable", "unavailable", "pass")),
    ],
)
async def test_risk_and_checks_are_shown(
    stripe_http: StripeHttp, name: str, level: str, checks: tuple[str | None, ...]
) -> None:
    paid = await paid_with(stripe_http, name, expand=["latest_charge", "payment_method"])

    charge = paid["latest_charge"]
    assert charge["outcome"]["risk_level"] == level
    assert tuple(charge["payment_method_details"]["card"]["checks"].values()) == checks
    assert paid["payment_method"]["card"]["checks"] == charge["payment_method_details"]["card"]["checks"]


async def test_the_country_of_the_card_is_shown(stripe_http: StripeHttp) -> None:
    paid = await paid_with(stripe_http, "gb_mastercard", expand=["latest_charge"])

    card = paid["latest_charge"]["payment_method_details"]["card"]
    assert (card["country"], card["brand"], card["last4"]) == ("GB", "mastercard", "4449")


@pytest.mark.parametrize("name", ["radarBlock", "riskLevelHighest", "chargeDeclinedFraudulent"])
async def test_the_highest_risk_is_blocked(stripe_http: StripeHttp, name: str) -> None:
    error = (await paid_with(stripe_http, name))["error"]

    charge = await stripe_http.show(f"/v1/charges/{error['charge']}")
    assert error["decline_code"] == "fraudulent"
    assert "network_decline_code" not in error
    assert (charge["outcome"]["type"], charge["outcome"]["risk_level"]) == ("blocked", "highest")


async def test_a_decline_says_what_the_network_said(stripe_http: StripeHttp) -> None:
    error = (await paid_with(stripe_http, "chargeDeclined"))["error"]

    charge = await stripe_http.show(f"/v1/charges/{error['charge']}")
    assert (
        error["network_decline_code"] == error["payment_intent"]["last_payment_error"]["network_decline_code"] == "01"
    )
    assert charge["outcome"]["network_decline_code"] == "01"
    assert charge["outcome"]["seller_message"] == "The bank did not return any further details with this decline."
    assert charge["receipt_url"] is None


async def test_an_expired_card_is_the_reason(stripe_http: StripeHttp) -> None:
    error = (await paid_with(stripe_http, "chargeDeclinedExpiredCard"))["error"]

    charge = await stripe_http.show(f"/v1/charges/{error['charge']}")
    assert charge["outcome"]["reason"] == "expired_card"


@pytest.mark.parametrize(
    ("name", "params", "status"),
    [
        ("authenticationRequiredSetupForOffSession", {}, "requires_action"),
        ("authenticationRequiredSetupForOffSession", {"off_session": True}, "succeeded"),
        ("threeDSecureOptional", {}, "succeeded"),
        (
            "threeDSecureOptional",
            {"payment_method_options": {"card": {"request_three_d_secure": "any"}}},
            "requires_action",
        ),
        ("visa", {"payment_method_options": {"card": {"request_three_d_secure": "any"}}}, "succeeded"),
    ],
)
async def test_authentication_is_asked_for_where_it_has_to_be(
    stripe_http: StripeHttp, name: str, params: dict[str, Any], status: str
) -> None:
    assert (await paid_with(stripe_http, name, return_url=BACK, **params))["status"] == status


async def test_a_card_can_decline_after_authentication(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    waiting = await paid_with(stripe_http, "authenticationRequiredChargeDeclinedInsufficientFunds", return_url=BACK)

    after = await admin.authenticate(waiting["id"])

    assert (waiting["status"], after["status"]) == ("requires_action", "requires_payment_method")
    assert after["last_payment_error"]["decline_code"] == "insufficient_funds"  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "types", "case"),
    [
        ("createCe3EligibleDispute", ["visa_compelling_evidence_3"], "chargeback"),
        ("createComplianceDispute", ["visa_compliance"], "compliance"),
        ("createMastercardComplianceDispute", ["mastercard_compliance"], "compliance"),
    ],
)
async def test_a_dispute_names_the_networks_program(
    stripe_http: StripeHttp, name: str, types: list[str], case: str
) -> None:
    paid = await paid_with(stripe_http, name)

    (dispute,) = await stripe_http.data("/v1/disputes", payment_intent=paid["id"])

    assert dispute["enhanced_eligibility_types"] == types
    assert dispute["evidence_details"]["enhanced_eligibility"].keys() == set(types)
    assert dispute["payment_method_details"]["card"]["case_type"] == case


async def test_two_disputes_are_about_the_whole(stripe_http: StripeHttp) -> None:
    paid = await stripe_http.pay(amount=1001, payment_method="pm_card_createMultipleDisputes")

    disputes = await stripe_http.data("/v1/disputes", payment_intent=paid["id"])

    assert sorted(dispute["amount"] for dispute in disputes) == [500, 501]
