"""The proxy before cells passes on what merchants call, all of it, and nothing else."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import infra.deploy
from domain.access.scopes import MERCHANT_SCOPES

CONFIGURATION = (Path(infra.deploy.__file__).parent / "cells" / "haproxy.cfg").read_text()
DOCUMENTS = Path(__file__).parents[4] / "schemas" / "exported" / "openapi"
OF_THE_BACK_OFFICE = {"/exports"}
OF_STRIPE = {"/webhooks/stripe"}


def passed(api: str) -> re.Pattern[str]:
    (frontend,) = re.findall(rf"^frontend {api}\n((?: .*\n)+)", CONFIGURATION, re.MULTILINE)
    (pattern,) = re.findall(r"acl is_merchants path_reg (\S+)\n", frontend)
    return re.compile(pattern)


def merchants_paths(api: str) -> Iterator[tuple[str, bool]]:
    """Give each path of an API, and whether a key of a merchant may call it."""
    document = json.loads((DOCUMENTS / f"{api.replace('_', '-')}.json").read_text())
    for path, operations in document["paths"].items():
        scopes = {scope for each in operations.values() for scope in _scopes(each)}
        assert scopes or path in OF_STRIPE, f"{path} names no scope"
        yield re.sub(r"\{\w+\}", "0190d0b2-0000-7000-8000-0000000000aa", path), bool(scopes & MERCHANT_SCOPES)


def _scopes(operation: dict[str, Any]) -> list[str]:
    return re.findall(r"lacks the scope ([a-z]+:[a-z]+)", json.dumps(operation["responses"].get("403", {})))


@pytest.mark.parametrize("api", ["command_api", "query_api"])
def test_every_path_of_merchants_is_passed_on_and_no_other(api: str) -> None:
    paths = dict(merchants_paths(api))
    assert {path for path in paths if passed(api).search(path)} == {
        path for path, is_merchants in paths.items() if is_merchants and path not in OF_THE_BACK_OFFICE
    }
    assert len(paths) > 10


@pytest.mark.parametrize(
    "path", ["/metrics", "/docs", "/", "/paymentsx", "/x/payments", "/payments/../system", "/payments/1%2Faccept"]
)
def test_nothing_of_the_inside_is_passed_on(path: str) -> None:
    assert not passed("command_api").search(path)
    assert not passed("query_api").search(path)
