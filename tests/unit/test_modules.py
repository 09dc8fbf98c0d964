"""Every module can be imported by itself: no circle, no work at import, nothing that only another brings along."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
import stripe

assert stripe.VERSION  # its own import looks for a network, which a test may not have

PACKAGES = (
    "back_office",
    "command_api",
    "consumers",
    "domain",
    "event_store",
    "infra",
    "projections",
    "query_api",
    "schemas",
)


def modules(package: str) -> Iterator[str]:
    found = importlib.import_module(package)
    for each in pkgutil.walk_packages(found.__path__, f"{package}."):
        if not each.name.endswith((".__main__", ".migrations.env")):  # they are there to be run
            yield each.name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_can_be_imported(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "no address: nothing may be read at import")
    names = list(modules(package))
    assert len(names) > 10 or package == "query_api"
    for name in names:
        module = importlib.import_module(name)
        assert module.__doc__, f"{name} does not say what it is for"
