from typing import Any

import pytest

from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp


@pytest.mark.parametrize(
    ("params", "code", "param", "message"),
    [
        ({"amount": None}, "parameter_missing", "amount", "Missing required param: amount."),
        ({"currency": None}, "parameter_missing", "currency", "Missing required param: currency."),
        ({"colour": "red"}, "parameter_unknown", "colour", "Received unknown parameter: colour"),
        ({"amount": "10.5"}, "parameter_invalid_integer", "amount", "Invalid integer: 10.5"),
        ({"confirm": "yes"}, None, "confirm", "Invalid boolean: yes"),
        ({"allowed_payment_method_types": "card"}, None, "allowed_payment_method_types", "Invalid array"),
        (
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
            "The parameter `payment_method_types` is no longer supported in this API version.",
        ),
        ({"metadata": "x"}, None, "metadata", "Invalid object"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata", "Metadata keys can have up to 40 characters"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]", "Metadata values can have up to 500 characters"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata", "Metadata can have up to 50 keys"),
        (
            {"capture_method": "later"},
            None,
            "capture_method",
            "Invalid capture_method: must be one of automatic, automatic_async, or manual",
        ),
        ({"currency": ""}, "parameter_invalid_empty", "currency", "You passed an empty string for 'currency'."),
        (
            {"automatic_payment_methods": {"on": True}},
            "parameter_unknown",
            "automatic_payment_methods[on]",
            "Received unknown parameter: automatic_payment_methods[on]",
        ),
        (
            {"allowed_payment_method_types": None, "automatic_payment_methods": {"allow_redirects": "never"}},
            "parameter_missing",
            "automatic_payment_methods[enabled]",
            "Missing required param: automatic_payment_methods[enabled].",
        ),
        (
            {"statement_descriptor_suffix": "x" * 23},
            None,
            "statement_descriptor_suffix",
            f"The statement descriptor must be at most 22 characters. {'x' * 23} is 23 characters long.",
        ),
        (
            {"statement_descriptor_suffix": "#1234"},
            None,
            "statement_descriptor_suffix",
            "The statement descriptor must contain at least one Latin character.",
        ),
        (
            {"statement_descriptor_suffix": "BOOKS * 2"},
            "invalid_statement_descriptor",
            "statement_descriptor_suffix",
            "Invalid statement descriptor. Cannot contain the characters",
        ),
        (
            {"transfer_data": {"destination": "a"}},
            None,
            "transfer_data",
            "The sandbox does not model the parameter transfer_data, which Stripe has. docs/stripe-sandbox.md lists",
        ),
        (
            {"automatic_payment_methods": {"enabled": True}},
            "parameters_exclusive",
            "allowed_payment_method_types",
            "You may only specify one of these parameters",
        ),
        (
            {"shipping": {"address": {"city": "Berlin"}}},
            "parameter_missing",
            "shipping[name]",
            "Missing required param: shipping[name].",
        ),
        (
            {"shipping": {"name": "A. Body", "address": {"planet": "Mars"}}},
            "parameter_unknown",
            "shipping[address][planet]",
            "Received unknown parameter: shipping[address][planet]",
        ),
        ({"shipping": ""}, "parameter_invalid_empty", "shipping", "You passed an empty string for 'shipping'."),
        (
            {"payment_method_options": {"foo": {"a": "b"}}},
            "parameter_unknown",
            "payment_method_options[foo]",
            "Received unknown parameter: payment_method_options[foo]",
        ),
        (
            {"payment_method_options": {"card": {"request_three_d_secure": "maybe"}}},
            None,
            "payment_method_options[card][request_three_d_secure]",
            "Invalid payment_method_options[card][request_three_d_secure]: must be one of any, automatic, or challenge",
        ),
        (
            {"payment_method_options": {"klarna": {"preferred_locale": "de-DE"}}},
            None,
            "payment_method_options[klarna]",
            "The sandbox does not model the parameter payment_method_options[klarna], which Stripe has.",
        ),
        (
            {"allowed_payment_method_types": ["card", "shells"]},
            None,
            "allowed_payment_method_types[1]",
            "Invalid allowed_payment_method_types[1]: must be one of acss_debit, affirm,",
        ),
        ({"off_session": "sometimes"}, None, "off_session", "Invalid boolean: sometimes"),
        ({"description": "x" * 1001}, None, "description", "must be at most 1000 characters"),
        ({"receipt_email": "nobody"}, "email_invalid", "receipt_email", "Invalid email address: nobody"),
        ({"return_url": "back"}, "url_invalid", "return_url", "Not a valid URL"),
        (
            {"confirm": False, "off_session": True},
            None,
            "off_session",
            "The parameter `off_session` cannot be passed when creating a PaymentIntent unless `confirm` is set",
        ),
    ],
)
async def test_bad_parameters_are_refused_with_stripes_text(
    stripe_http: StripeHttp, params: dict[str, Any], code: str | None, param: str, message: str
) -> None:
    sent = {name: value for name, value in {**PAYMENT, **params}.items() if value is not None}

    response = await stripe_http.post("/v1/payment_intents", **sent)

    error = response.json()["error"]
    assert response.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert error.get("code") == code
    assert error["param"] == param
    assert message in error["message"]
    assert response.headers["stripe-should-retry"] == "false"
    if code is not None:
        assert error["doc_url"] == f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"


async def test_a_clearable_text_sent_empty_is_unset(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(description="shoes")

    changed = await stripe_http.post(f"/v1/payment_intents/{intent['id']}", description="")

    assert intent["description"] == "shoes"
    assert changed.json()["description"] is None


async def test_objects_words_and_the_card_can_be_unset(stripe_http: StripeHttp) -> None:
    parcel = {"name": "A. Body", "address": {"city": "Berlin", "line2": ""}}
    options = {"card": {"request_three_d_secure": "any", "capture_method": "manual"}}
    made: dict[str, Any] = {
        "amount": 1000,
        "currency": "usd",
        "setup_future_usage": "off_session",
        "payment_method": "pm_card_visa",
    }
    created = await stripe_http.post("/v1/payment_intents", shipping=parcel, payment_method_options=options, **made)
    unset: dict[str, Any] = {"shipping": "", "setup_future_usage": "", "payment_method": ""}
    options["card"] = {"capture_method": ""}

    changed = await stripe_http.post(
        f"/v1/payment_intents/{created.json()['id']}", payment_method_options=options, **unset
    )

    before, after = created.json(), changed.json()
    assert before["shipping"]["address"]["city"] == "Berlin"
    assert (before["shipping"]["address"]["line2"], before["shipping"]["tracking_number"]) == (None, None)
    assert [after[name] for name in unset] == [None, None, None]
    assert (before["status"], after["status"]) == ("requires_confirmation", "requires_payment_method")
    card = after["payment_method_options"]["card"]
    assert (card["request_three_d_secure"], "capture_method" in card) == ("any", False)


async def test_confirming_takes_the_secret_and_the_amount(stripe_http: StripeHttp) -> None:
    made: dict[str, Any] = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa"}
    intent = (await stripe_http.post("/v1/payment_intents", allowed_payment_method_types=["card"], **made)).json()
    path = f"/v1/payment_intents/{intent['id']}/confirm"

    wrong_secret = await stripe_http.post(path, client_secret="pi_other_secret_x")
    other_amount = await stripe_http.post(path, amount_to_confirm=900)
    confirmed = await stripe_http.post(
        path, client_secret=intent["client_secret"], amount_to_confirm=1000, off_session="one_off"
    )

    error = wrong_secret.json()["error"]
    assert (error["code"], error["param"]) == ("payment_intent_invalid_parameter", "client_secret")
    assert other_amount.json()["error"]["message"].startswith("The sandbox does not model confirming another amount")
    assert confirmed.json()["status"] == "succeeded"


async def test_an_unknown_url_or_method_is_told(stripe_http: StripeHttp) -> None:
    wrong_path = await stripe_http.get("/v1/coupons")
    wrong_method = await stripe_http.http.delete("/v1/payment_intents/pi_x")

    assert wrong_path.status_code == wrong_method.status_code == 404
    assert wrong_path.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/coupons).")
    assert wrong_method.json()["error"]["message"].startswith("Unrecognized request URL (DELETE: /v1/payment_intents/")
