"""A payment's state in sentences, and what its money came to. Pure: from the query API's JSON."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_SENTENCES = {
    "pending": "Accepted here, not yet at Stripe.",
    "requires_payment_method": "Not paid. The customer has to give another payment method.",
    "requires_confirmation": "At Stripe, and not tried yet: whoever made it has to confirm it.",
    "requires_action": "Waits for the customer, whose bank asks them to confirm.",
    "processing": "At the bank, which has not answered yet.",
    "requires_capture": "Held at the bank, and not taken yet.",
    "succeeded": "Paid.",
    "canceled": "Canceled. Nothing was taken; what was held is released.",
    "failed": "Failed for good: Stripe does not accept it.",
}
_NOT_DECLINED = "Not paid. No payment method was tried yet, or one is being tried now."
_LABELS = {
    "pending": "Not yet at Stripe",
    "requires_payment_method": "Not paid",
    "requires_confirmation": "Not tried yet",
    "requires_action": "Waits for the customer",
    "processing": "At the bank",
    "requires_capture": "Held",
    "succeeded": "Paid",
    "canceled": "Canceled",
    "failed": "Failed",
}
_TONES = {"succeeded": "good", "canceled": "quiet", "failed": "bad", "requires_payment_method": "bad"}
_ENDED = {"succeeded", "canceled", "failed", "processing"}
_ENDED_WELL = {"won", "warning_closed", "prevented"}
_INQUIRIES = {"warning_needs_response", "warning_under_review"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the bar. `start` and `width` are thousandths of the whole."""

    name: str
    label: str
    amount: int
    start: int
    width: int


def sentence(payment: Json) -> str:
    """Return where it stands, for a person."""
    return f"{_said(payment)} Stripe says something else." if payment["contradictions"] else _said(payment)


def _said(payment: Json) -> str:
    status: str = payment["status"]
    said = _SENTENCES.get(status, status)
    if status == "requires_payment_method" and payment["last_error"] is None:
        return _NOT_DECLINED
    if status != "succeeded":
        return said
    if is_disputed(payment):
        return "Paid, and contested by the payer's bank."
    if pending_refunds(payment):
        return "Paid, and a refund is on its way."
    if _is_given_back(payment):
        return "Paid, and given back in full."
    return "Paid, and given back in part." if payment["amount_refunded_cents"] else said


def label(payment: Json) -> str:
    """Return the same in a word or two, for lists."""
    status: str = payment["status"]
    if payment["contradictions"]:
        return "Contradicted by Stripe"
    if is_disputed(payment):
        return "Disputed"
    if status == "succeeded" and pending_refunds(payment):
        return "Refund on its way"
    if status == "succeeded" and payment["amount_refunded_cents"]:
        return "Refunded" if _is_given_back(payment) else "Partly refunded"
    return _LABELS.get(status, status)


def tone(payment: Json) -> str:
    """Return how it is coloured; the words say the same."""
    if payment["contradictions"] or is_disputed(payment):
        return "bad"
    return _TONES.get(str(payment["status"]), "wait")


def is_disputed(payment: Json) -> bool:
    """Whether a dispute is open, or took the money."""
    dispute = payment["dispute"]
    return dispute is not None and dispute["status"] not in _ENDED_WELL


def _takes_refunds(payment: Json) -> bool:
    """Whether no bank has the money back or demands it: an inquiry may be answered by a refund."""
    return not is_disputed(payment) or payment["dispute"]["status"] in _INQUIRIES


def _is_given_back(payment: Json) -> bool:
    captured: int = payment["amount_captured_cents"]
    refunded: int = payment["amount_refunded_cents"]
    return 0 < captured <= refunded


def pending_refunds(payment: Json) -> int:
    """Return what is on its way back."""
    return sum(refund["amount_cents"] for refund in payment["refunds"] if refund["status"] == "pending")


def refundable(payment: Json) -> int:
    """Return what can still be given back: refunds that are on their way hold their amount."""
    left: int = payment["amount_captured_cents"] - payment["amount_refunded_cents"] - pending_refunds(payment)
    return max(left, 0)


def is_moving(payment: Json) -> bool:
    """Whether it will change soon without anybody doing anything: the page then asks again."""
    return payment["status"] in {"pending", "processing"} or pending_refunds(payment) > 0


def actions(payment: Json) -> tuple[str, ...]:
    """Return what can be done with it. The command API decides; this is what is worth offering."""
    if payment["split_payment_id"] is not None:  # its split payment captures and refunds it
        return ()
    offered = []
    if refundable(payment) and _takes_refunds(payment):
        offered.append("refund")
    if payment["amount_capturable_cents"]:
        offered.append("capture")
    if payment["status"] not in _ENDED:
        offered.append("cancel")
    return tuple(offered)


def refund_sentence(refund: Json) -> str:
    """Return where a refund stands: accepted here is not yet at Stripe, and that is not yet given back."""
    match refund["status"], refund["stripe_refund_id"]:
        case "pending", None:
            return "Accepted here, not yet at Stripe"
        case "pending", _:
            return "At Stripe, not given back yet"
        case "succeeded", _:
            return "At Stripe: given back"
        case "failed", _:
            return "Failed: the amount can be refunded again"
        case status, _:
            return str(status)


def bar(payment: Json) -> list[Part]:
    """Return the parts of the bar, left to right, that are not nothing; together they are the payment's amount."""
    captured, on_its_way = payment["amount_captured_cents"], pending_refunds(payment)
    refunded = payment["amount_refunded_cents"]
    kept = max(captured - refunded - on_its_way, 0)
    disputed = min(_disputed(payment), kept)
    held = payment["amount_capturable_cents"]
    amounts = [
        ("kept", "Kept", kept - disputed),
        ("disputed", "Disputed" if disputed == _disputed(payment) else "Disputed, and not refunded", disputed),
        ("returning", "Refund on its way", on_its_way),
        ("refunded", "Refunded", refunded),
        ("held", "Authorised, not captured", held),
        ("open", "Not taken", max(payment["amount_cents"] - captured - held, 0)),
    ]
    whole = sum(amount for _, _, amount in amounts) or 1
    parts: list[Part] = []
    start = 0
    for name, label, amount in amounts:
        if not amount:
            continue
        width = max(round(1000 * amount / whole), 4)
        parts.append(Part(name=name, label=label, amount=amount, start=start, width=width))
        start += width
    return parts


def _disputed(payment: Json) -> int:
    dispute = payment["dispute"]
    if dispute is None or dispute["currency"] != payment["currency"] or not is_disputed(payment):
        return 0
    return int(dispute["amount_cents"])
