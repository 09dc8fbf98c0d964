"""`payment_method_options`: how to charge single kinds of payment methods.

https://docs.stripe.com/api/payment_intents/create#create_payment_intent-payment_method_options. Those of cards have an
effect, and those of Link are accepted; the other kinds are no cards, and not modelled.
"""

from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.params import choice, flag, nested, text, unmodelled

METHOD_TYPES = (  # noqa: SIM905 - a hundred quoted words would hide the list
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum "
    "blik boku_promptpay boleto capchase_pay card card_present cashapp check_scan click_to_pay crypto "
    "customer_balance demo_pay duitnow dummy_auth_push dummy_passthrough_card edenred eps fpx gcash getbalance "
    "gift_card giropay gopay grabpay id_bank_transfer ideal interac_present kakao_pay klarna knet konbini kr_card "
    "kr_market kriya link mb_way mobilepay momo mondu multibanco naver_pay netbanking ng_bank ng_bank_transfer "
    "ng_card ng_market ng_ussd ng_wallet nz_bank_account octopus oxxo p24 paper_check pay_by_bank payco paynow "
    "paypal paypay payto pix promptpay qris rechnung revolut_pay samsung_pay satispay scalapay sepa_debit sequra "
    "shop_pay shopeepay sofort south_korea_market stripe_balance sunbit swish tamara test_pay touch_n_go "
    "truemoney twint upi us_bank_account us_cash_voucher vipps wechat_pay wero zip"
).split()
"""What `allowed_payment_method_types` may name."""

_OTHERS = (  # noqa: SIM905 - as above
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie bizum "
    "blik boleto card_present cashapp crypto customer_balance eps fpx giropay grabpay ideal interac_present "
    "kakao_pay klarna konbini kr_card mb_way mobilepay multibanco naver_pay nz_bank_account oxxo p24 pay_by_bank "
    "payco paynow paypal paypay payto pix promptpay revolut_pay samsung_pay satispay scalapay sepa_debit sequra "
    "sofort sunbit swish twint upi us_bank_account wechat_pay zip"
).split()
_IF_AVAILABLE = ("if_available", "never")
_CREDENTIALS = ("installment", "recurring", "unscheduled")
_NETWORKS = (  # noqa: SIM905 - as above
    "amex cartes_bancaires diners discover eftpos_au girocard interac jcb link mastercard unionpay unknown visa"
).split()
_CARD = nested(
    "card",
    choice("capture_method", "manual", clearable=True),
    choice("network", *_NETWORKS),
    choice("request_extended_authorization", *_IF_AVAILABLE),
    choice("request_incremental_authorization", *_IF_AVAILABLE),
    choice("request_multicapture", *_IF_AVAILABLE),
    choice("request_overcapture", *_IF_AVAILABLE),
    choice("request_three_d_secure", "any", "automatic", "challenge"),
    flag("require_cvc_recollection"),
    choice("setup_credential_usage", *_CREDENTIALS),
    choice("setup_future_usage", "none", "off_session", "on_session", clearable=True),
    choice("stored_credential_usage", *_CREDENTIALS),
    *unmodelled(
        "cvc_token",
        "installments",
        "mandate_options",
        "moto",
        "statement_descriptor_suffix_kana",
        "statement_descriptor_suffix_kanji",
        "three_d_secure",
    ),
    clearable=True,
)
_LINK = nested(
    "link",
    choice("capture_method", "manual", clearable=True),
    text("persistent_token"),
    choice("setup_future_usage", "none", "off_session", clearable=True),
    clearable=True,
)

METHOD_OPTIONS = nested("payment_method_options", _CARD, _LINK, *unmodelled(*_OTHERS))


def merged(before: JsonObject, given: JsonObject) -> JsonObject:
    """Return the options after a request: what it names is set, or unset where it is sent empty."""
    result: JsonObject = dict(before)
    for kind, options in given.items():
        if not isinstance(options, dict):
            result.pop(kind, None)
            continue
        old = before.get(kind)
        changed = {**(old if isinstance(old, dict) else {}), **options}
        result[kind] = {name: value for name, value in changed.items() if value is not None}
    return result
