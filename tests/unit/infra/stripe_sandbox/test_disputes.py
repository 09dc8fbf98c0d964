from typing import Any

import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp

DAY = 24 * 3600


async def disputed(api: StripeHttp, card: str = "pm_card_createDispute") -> dict[str, Any]:
    """Pay with a card whose bank disputes it, and return the dispute: it is opened with the charge."""
    intent = await api.pay(payment_method=card)
    (dispute,) = await api.data("/v1/disputes", payment_intent=intent["id"])
    return dispute


async def test_a_chargeback_takes_the_money_and_a_fee(stripe_http: StripeHttp) -> None:
    dispute = await disputed(stripe_http)

    charge = await stripe_http.show(f"/v1/charges/{dispute['charge']}")
    (row,) = dispute["balance_transactions"]

    assert (dispute["status"], dispute["reason"], dispute["amount"]) == ("needs_response", "fraudulent", 1000)
    assert dispute["network_reason_code"] == "10.4"
    assert dispute["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert dispute["is_charge_refundable"] is False
    assert charge["disputed"] is True
    assert (row["type"], row["reporting_category"]) == ("adjustment", "dispute")
    assert (row["amount"], row["fee"], row["net"]) == (-1000, 1500, -2500)
    assert row["fee_details"][0]["description"] == "Dispute fee"
    assert (await stripe_http.told())[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


async def test_evidence_is_due_at_the_end_of_a_day(stripe_http: StripeHttp) -> None:
    dispute = await disputed(stripe_http, "pm_card_createDisputeProductNotReceived")

    details = dispute["evidence_details"]

    assert dispute["reason"] == "product_not_received"
    assert (details["due_by"] + 1) % DAY == 0
    assert 8 * DAY <= details["due_by"] - dispute["created"] < 9 * DAY
    assert (details["has_evidence"], details["submission_count"]) == (False, 0)


async def test_a_disputed_charge_is_not_refunded(stripe_http: StripeHttp) -> None:
    dispute = await disputed(stripe_http)

    refused = await stripe_http.post("/v1/refunds", charge=dispute["charge"], amount=1)

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "charge_disputed"
    assert (
        refused.json()["error"]["message"]
        == f"Charge {dispute['charge']} has been charged back; cannot issue a refund."
    )


async def test_winning_evidence_brings_the_money_back(stripe_http: StripeHttp, clock: Clock) -> None:
    dispute = await disputed(stripe_http)
    before = len(await stripe_http.told())

    sent = await stripe_http.post(f"/v1/disputes/{dispute['id']}", evidence={"uncategorized_text": "winning_evidence"})
    clock.now += 6
    won = await stripe_http.show(f"/v1/disputes/{dispute['id']}")

    assert sent.json()["status"] == "under_review"
    assert sent.json()["evidence_details"]["submission_count"] == 1
    assert won["status"] == "won"
    assert [row["net"] for row in won["balance_transactions"]] == [-2500, 2500]
    assert won["balance_transactions"][1]["reporting_category"] == "dispute_reversal"
    assert await stripe_http.told(before) == [
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


async def test_losing_evidence_loses(stripe_http: StripeHttp, clock: Clock) -> None:
    dispute = await disputed(stripe_http)

    await stripe_http.post(f"/v1/disputes/{dispute['id']}", evidence={"uncategorized_text": "losing_evidence"})
    clock.now += 6
    lost = await stripe_http.show(f"/v1/disputes/{dispute['id']}")

    assert lost["status"] == "lost"
    assert len(lost["balance_transactions"]) == 1


async def test_evidence_can_be_kept_before_it_is_sent(stripe_http: StripeHttp) -> None:
    dispute = await disputed(stripe_http)

    kept = await stripe_http.post(
        f"/v1/disputes/{dispute['id']}", evidence={"customer_name": "A. Body"}, submit=False, metadata={"case": "7"}
    )
    sent = await stripe_http.post(f"/v1/disputes/{dispute['id']}", submit=True)

    assert (kept.json()["status"], kept.json()["evidence_details"]["has_evidence"]) == ("needs_response", True)
    assert kept.json()["metadata"] == {"case": "7"}
    assert (sent.json()["status"], sent.json()["evidence"]["customer_name"]) == ("under_review", "A. Body")


async def test_a_dispute_that_nobody_answers_is_lost(stripe_http: StripeHttp, clock: Clock) -> None:
    dispute = await disputed(stripe_http)
    clock.now = dispute["evidence_details"]["due_by"]
    in_time = await stripe_http.show(f"/v1/disputes/{dispute['id']}")
    clock.now += 1
    late = await stripe_http.show(f"/v1/disputes/{dispute['id']}")

    assert (in_time["status"], late["status"]) == ("needs_response", "lost")


async def test_giving_up_loses_and_ends_it(stripe_http: StripeHttp) -> None:
    dispute = await disputed(stripe_http)

    closed = await stripe_http.post(f"/v1/disputes/{dispute['id']}/close")
    again = await stripe_http.post(f"/v1/disputes/{dispute['id']}/close")

    assert closed.json()["status"] == "lost"
    assert (again.status_code, again.json()["error"]["message"]) == (400, "This dispute is already closed")


async def test_an_inquiry_takes_nothing_and_lets_the_charge_be_refunded(stripe_http: StripeHttp) -> None:
    inquiry = await disputed(stripe_http, "pm_card_createDisputeInquiry")

    refund = await stripe_http.post("/v1/refunds", charge=inquiry["charge"])

    assert inquiry["status"] == "warning_needs_response"
    assert inquiry["balance_transactions"] == []
    assert inquiry["is_charge_refundable"] is True
    assert inquiry["network_reason_code"] == "10"
    assert inquiry["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert refund.status_code == 200
    assert "charge.dispute.funds_withdrawn" not in await stripe_http.told()


async def test_an_inquiry_ends_well_or_becomes_a_chargeback(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    first = await disputed(stripe_http, "pm_card_createDisputeInquiry")
    second = await disputed(stripe_http, "pm_card_createDisputeInquiry")

    await stripe_http.post(f"/v1/disputes/{first['id']}", evidence={"uncategorized_text": "winning_evidence"})
    clock.now += 6
    closed = await stripe_http.show(f"/v1/disputes/{first['id']}")
    before = len(await stripe_http.told())
    escalated = await admin.decide(second["id"], "needs_response")
    refused = await stripe_http.post("/v1/refunds", charge=second["charge"])

    assert closed["status"] == "warning_closed"
    assert escalated["status"] == "needs_response"
    assert await stripe_http.told(before) == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert refused.json()["error"]["code"] == "charge_disputed"


async def test_the_control_panel_disputes_a_part_and_decides(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    intent = await stripe_http.pay()

    opened = await admin.dispute(intent["latest_charge"], "product_not_received", amount=400)
    won = await admin.decide(str(opened["id"]), "won")
    with pytest.raises(httpx.HTTPStatusError) as twice:
        await admin.decide(str(opened["id"]), "lost")
    with pytest.raises(httpx.HTTPStatusError) as nothing:
        await admin.dispute("ch_none")

    assert (opened["amount"], won["status"]) == (400, "won")
    assert (twice.value.response.status_code, nothing.value.response.status_code) == (409, 404)


async def test_a_dispute_is_lost_in_part(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    intent = await stripe_http.pay()
    opened = await admin.dispute(intent["latest_charge"], amount=1000)
    before = len(await stripe_http.told())

    with pytest.raises(httpx.HTTPStatusError) as too_much:
        await admin.decide(str(opened["id"]), "lost", lost_amount=1001)
    with pytest.raises(httpx.HTTPStatusError) as won_and_lost:
        await admin.decide(str(opened["id"]), "won", lost_amount=600)
    lost = await admin.decide(str(opened["id"]), "lost", lost_amount=600)
    refused = await stripe_http.post("/v1/refunds", charge=intent["latest_charge"], amount="100")

    assert (too_much.value.response.status_code, won_and_lost.value.response.status_code) == (409, 409)
    assert (lost["status"], lost["amount"]) == ("lost", 1000)
    rows = lost["balance_transactions"]
    assert isinstance(rows, list)
    assert [(row["amount"], row["fee"]) for row in rows] == [(-1000, 1500), (400, 0)]
    assert await stripe_http.told(before) == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    assert refused.json()["error"]["code"] == "charge_disputed"


async def test_unknown_evidence_is_refused(stripe_http: StripeHttp) -> None:
    dispute = await disputed(stripe_http)

    refused = await stripe_http.post(f"/v1/disputes/{dispute['id']}", evidence={"hearsay": "x"})

    assert refused.json()["error"]["message"] == "Received unknown parameter: evidence[hearsay]"
