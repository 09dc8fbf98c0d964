from command_api.stripe_ids import owned_ids


def test_an_id_of_stripes_own_belongs_to_somebody() -> None:
    ids = ("cus_NffrFeUfNV2Hib", "pm_1MqLiJLkdIwHu7ixUEgbFdYl")
    assert owned_ids(*ids) == frozenset(ids)
    assert owned_ids(None, ids[0], ids[0]) == {ids[0]}


def test_test_ids_and_other_texts_are_everybodys() -> None:
    for each in ("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_usBankAccount_success", "tok_visa", "pm_", "cus_"):
        assert owned_ids(each) == frozenset(), each
    assert owned_ids(None) == frozenset()
