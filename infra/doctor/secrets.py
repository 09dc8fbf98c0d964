"""The last guard before anything is shown: whatever a server or a library said, no secret of the settings is in it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr, ValidationError

from infra.doctor.deployment import Deployment, layers
from infra.doctor.finding import Finding
from infra.log_render import MASK, mask_text
from infra.settings.process import ProcessSettings

_SHORTEST = 4  # a shorter one would mask half of every sentence, and is no secret
_WORDY = 12  # a shorter one, such as "paystream", is masked only where it stands alone


def without_secrets(findings: Iterable[Finding], secrets: Iterable[str]) -> list[Finding]:
    """Return the findings with every one of the secrets masked, and all that looks like one."""
    longest_first = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
    patterns = [re.compile(_pattern(each)) for each in longest_first]

    def masked(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(MASK, text)
        return mask_text(text)

    return [
        replace(
            finding,
            detail=masked(finding.detail),
            # Our own words, and commands to be copied.
            remedy=None if finding.remedy is None else mask_text(finding.remedy),
        )
        for finding in findings
    ]


def secrets_of(deployment: Deployment) -> set[str]:
    """Return every secret that a process of the deployment reads, and the passwords inside addresses."""
    return {
        secret
        for process in deployment.processes
        for cls in layers(process.settings)
        for secret in _within(_read(process.read, cls))
    }


def _pattern(secret: str) -> str:
    written = re.escape(secret)
    return written if len(secret) >= _WORDY else rf"(?<!\w){written}(?!\w)"


def _read(read: Any, cls: type[ProcessSettings]) -> ProcessSettings | None:
    try:
        settings: ProcessSettings = read(cls)
    except ValidationError:
        return None
    return settings


def _within(settings: ProcessSettings | None) -> Iterator[str]:
    for value in vars(settings).values() if settings is not None else ():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, SecretStr):
                secret = each.get_secret_value()
                yield secret
                yield from _passwords(secret)


def _passwords(secret: str) -> Iterator[str]:
    """Yield the password of an address, as it is written there and as it is meant."""
    try:
        written = urlsplit(secret).password
    except ValueError:
        written = None
    if written:
        yield from (written, unquote(written))
    try:
        given = conninfo_to_dict(secret).get("password")
    except ProgrammingError:
        return
    if given:
        yield str(given)
