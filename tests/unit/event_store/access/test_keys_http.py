"""Whoever may make keys of the operator becomes no more by it."""

from typing import cast

import pytest

from event_store.access.admin import AccessRefused
from event_store.access.keys_http import _refuse_more_than_the_callers
from infra.access.principal import OPERATOR_SCOPES
from infra.http.operations import Operations, Operator


def an_operator(*scopes: str) -> Operator:
    return Operator(actor="api:maker", scopes=frozenset(scopes), operations=cast("Operations", None))


@pytest.mark.parametrize("scope", sorted(OPERATOR_SCOPES - {"admin:write"}))
def test_a_scope_that_the_caller_lacks_is_refused(scope: str) -> None:
    """Also that of naming who acts."""
    with pytest.raises(AccessRefused, match=f"no {scope}"):
        _refuse_more_than_the_callers(an_operator("admin:write"), ["admin:write", scope])
    _refuse_more_than_the_callers(an_operator("admin:write", scope), ["admin:write", scope])
