"""Stripe's test payment methods by name: every `pm_card_...` of https://docs.stripe.com/testing, and more.

A payment method's name is used in place of a card number. Each use makes a payment method of its own, as at Stripe.
What depends on an account's settings is as with those that an account begins with.
"""

from collections.abc import Iterator, Mapping

from infra.stripe_sandbox import declines
from infra.stripe_sandbox.cards import Authentication, Card, Decline, DisputeCourse, RefundCourse, Risk

_BRANDS = (
    Card(name="visa", last4="4242"),
    Card(name="visa_debit", last4="5556", funding="debit"),
    Card(name="mastercard", last4="4444", brand="mastercard"),
    Card(name="mastercard_debit", last4="8210", brand="mastercard", funding="debit"),
    Card(name="mastercard_prepaid", last4="5100", brand="mastercard", funding="prepaid"),
    Card(name="amex", last4="8431", brand="amex"),
    Card(name="discover", last4="1117", brand="discover"),
    Card(name="diners", last4="0004", brand="diners"),
    Card(name="jcb", last4="0505", brand="jcb", country="JP"),
    Card(name="unionpay", last4="0005", brand="unionpay", country="CN"),
    Card(name="visa_cartesBancaires", last4="1001", country="FR"),
    Card(name="mastercard_cartesBancaires", last4="1001", brand="mastercard", country="FR"),
    Card(name="visa_debit_eftposAuCoBranded", last4="0001", funding="debit", country="AU"),
    Card(name="mastercard_debit_eftposAuCoBranded", last4="0080", brand="mastercard", funding="debit", country="AU"),
    Card(name="debit_visaFsaProductCode", last4="0072", funding="debit"),
    Card(name="debit_visaHsaProductCode", last4="0072", funding="debit"),
    Card(name="mastercard_debit_mastercardFsaProductCode", last4="8897", brand="mastercard", funding="debit"),
    Card(name="ae_mastercard", last4="0022", brand="mastercard", country="AE"),
    Card(name="gb_debit", last4="0005", funding="debit", country="GB"),
    Card(name="gb_mastercard", last4="4449", brand="mastercard", country="GB"),
    Card(name="th_credit", last4="0003", country="TH"),
    Card(name="th_debit", last4="0008", funding="debit", country="TH"),
)

# Visa cards by where they were issued, with the last digits of their numbers.
_COUNTRIES = {
    "us": "4242", "ar": "0021", "br": "0002", "ca": "0000", "cl": "0001", "co": "0003", "cr": "0005", "ec": "0000",
    "mx": "8001", "pa": "0000", "py": "0066", "pe": "0068", "uy": "0003", "ae": "0001", "at": "0008", "be": "0004",
    "bg": "0000", "by": "0005", "hr": "0009", "cy": "0008", "cz": "0002", "dk": "0001", "ee": "0009", "fi": "0001",
    "fr": "0003", "de": "0016", "gi": "0005", "gr": "0030", "hu": "0005", "ie": "0005", "it": "0008", "lv": "0005",
    "li": "0004", "lt": "0000", "lu": "0006", "mt": "0007", "nl": "0002", "no": "0007", "pl": "0005", "pt": "0007",
    "ro": "0001", "si": "0006", "sk": "0001", "es": "0007", "se": "0008", "ch": "0009", "gb": "0000", "au": "0006",
    "cn": "0002", "hk": "0004", "in": "0008", "jp": "0003", "my": "0002", "nz": "0008", "sg": "0003", "tw": "0008",
}  # fmt: skip

# Stripe's pages spell these with and without the brand.
_EITHER_SPELLING = (
    ("chargeDeclined", "0002", declines.GENERIC),
    ("chargeDeclinedInsufficientFunds", "9995", declines.INSUFFICIENT_FUNDS),
    ("chargeDeclinedLostCard", "9987", declines.LOST),
    ("chargeDeclinedStolenCard", "9979", declines.STOLEN),
    ("chargeDeclinedVelocityLimitExceeded", "6975", declines.VELOCITY),
)
_DECLINED = (
    *((f"{brand}{name}", last4, decline) for name, last4, decline in _EITHER_SPELLING for brand in ("", "visa_")),
    ("chargeDeclinedExpiredCard", "0069", declines.EXPIRED),
    ("chargeDeclinedIncorrectCvc", "0127", declines.INCORRECT_CVC),
    ("chargeDeclinedProcessingError", "0119", declines.PROCESSING_ERROR),
    ("chargeCustomerFail", "0341", declines.GENERIC),
    # Authentication is required, and the question whether the card takes part fails: declined without asking anybody.
    ("threeDSecureRequiredProcessingError", "1280", declines.GENERIC),
)

# Blocked by the rules that an account begins with, or not.
_RISKY = (
    *(
        Card(name=name, last4=last4, risk=Risk.HIGHEST, decline=declines.FRAUDULENT)
        for name, last4 in (("chargeDeclinedFraudulent", "0019"), ("radarBlock", "0019"), ("riskLevelHighest", "4954"))
    ),
    Card(name="riskLevelElevated", last4="9235", risk=Risk.ELEVATED),
    Card(name="highFraudDisputeScore", last4="0407"),
    Card(name="highEfwScore", last4="0159"),
    Card(name="radarDynamicRiskThreshold", last4="1017"),
    Card(name="freeTrialAbuseBlock", last4="3804"),
    Card(name="adaptive3dsChallenge", last4="0003"),
    Card(name="cvcCheckFail", last4="0101", cvc_check="fail"),
    Card(name="cvcCheckFailElevatedRisk", last4="7872", cvc_check="fail", risk=Risk.ELEVATED),
    Card(name="avsZipFail", last4="0036", postal_code_check="fail"),
    Card(name="avsZipFailElevatedRisk", last4="6072", postal_code_check="fail", risk=Risk.ELEVATED),
    Card(name="avsLine1Fail", last4="0028", line1_check="fail"),
    Card(name="avsFail", last4="0010", line1_check="fail", postal_code_check="fail"),
    Card(name="avsUnchecked", last4="0044", line1_check="unavailable", postal_code_check="unavailable"),
)

_AUTHENTICATED: tuple[tuple[str, str, Authentication, Decline | None], ...] = (
    ("authenticationRequired", "3184", Authentication.ALWAYS, None),
    ("authenticationRequiredOnSetup", "3155", Authentication.ALWAYS, None),
    ("authenticationRequiredSetupForOffSession", "0446", Authentication.ON_SESSION, None),
    (
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "3178",
        Authentication.ALWAYS,
        declines.INSUFFICIENT_FUNDS,
    ),
    ("threeDSecure2Required", "3220", Authentication.ALWAYS, None),
    ("threeDSecureRequired", "3063", Authentication.ALWAYS, None),
    ("threeDSecureRequiredChargeDeclined", "1629", Authentication.ALWAYS, declines.GENERIC),
    ("threeDSecureOptional", "3055", Authentication.ON_REQUEST, None),
    ("threeDSecureOptionalProcessingError", "3097", Authentication.NEVER, None),
)

_DISPUTED = (
    Card(name="createDispute", last4="0259", disputed=DisputeCourse.FRAUDULENT),
    Card(name="createDisputeProductNotReceived", last4="2685", disputed=DisputeCourse.NOT_RECEIVED),
    Card(name="createDisputeInquiry", last4="1976", disputed=DisputeCourse.INQUIRY),
    Card(name="createMultipleDisputes", last4="0079", disputed=DisputeCourse.TWICE),
    Card(name="createCe3EligibleDispute", last4="0038", disputed=DisputeCourse.COMPELLING_EVIDENCE),
    Card(name="createComplianceDispute", last4="0779", disputed=DisputeCourse.COMPLIANCE),
    Card(
        name="createMastercardComplianceDispute",
        last4="0002",
        brand="mastercard",
        disputed=DisputeCourse.COMPLIANCE,
    ),
    Card(name="createAutoRepresentmentEligibleDispute", last4="0043", disputed=DisputeCourse.SMART),
    # The warning itself is not modelled: the payment succeeds.
    Card(name="createIssuerFraudRecord", last4="5423"),
)

_AFTERWARDS = (
    Card(name="pendingRefund", last4="7726", refunds=RefundCourse.PENDING_THEN_SUCCEEDS),
    Card(name="refundFail", last4="5126", refunds=RefundCourse.SUCCEEDS_THEN_FAILS),
    Card(name="bypassPending", last4="0077", available_at_once=True),
    Card(name="bypassPendingInternational", last4="0278", country="IE", available_at_once=True),
    # These two are the sandbox's own: Stripe has such refunds with other payment methods than cards.
    Card(name="pendingRefundFail", last4="7734", refunds=RefundCourse.PENDING_THEN_FAILS),
    Card(name="refundRequiresAction", last4="7742", refunds=RefundCourse.REQUIRES_ACTION),
)


def _cards() -> Iterator[Card]:
    yield from _BRANDS
    yield from (Card(name=code, last4=last4, country=code.upper()) for code, last4 in _COUNTRIES.items())
    yield Card(name="amex_threeDSecureNotSupported", last4="0005", brand="amex")
    yield from (Card(name=name, last4=last4, decline=decline) for name, last4, decline in _DECLINED)
    yield from _RISKY
    yield from (
        Card(name=name, last4=last4, authentication=when, decline=decline)
        for name, last4, when, decline in _AUTHENTICATED
    )
    yield from _DISPUTED
    yield from _AFTERWARDS


CARDS: Mapping[str, Card] = {f"pm_card_{card.name}": card for card in _cards()}
