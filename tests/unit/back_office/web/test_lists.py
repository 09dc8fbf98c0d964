"""The addresses of the other pages of a list."""

from back_office.web.lists import PageLinks, page_links


def test_the_only_page_of_a_list_has_no_other() -> None:
    assert page_links("/payments", {"status": "failed"}, shown="", following=None) == PageLinks(first=None, next=None)


def test_other_pages_keep_the_filters_and_leave_out_what_is_empty() -> None:
    found = page_links("/payments", {"status": "failed", "user_id": ""}, shown="abc", following="def")
    assert found == PageLinks(first="/payments?status=failed", next="/payments?status=failed&cursor=def")


def test_a_filter_may_be_given_twice_and_the_place_has_its_own_name() -> None:
    found = page_links("/e", [("about", "pi_1"), ("about", "ch_1")], shown="", following=7, parameter="before")
    assert found == PageLinks(first=None, next="/e?about=pi_1&about=ch_1&before=7")
