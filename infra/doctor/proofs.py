"""Whether the log is sealed, so that somebody could prove what is in it."""

import re
from collections.abc import Iterator
from contextlib import suppress

from infra.doctor.deployment import Deployment
from infra.doctor.finding import Area, Finding
from infra.settings.proofs import SealerKeySettings

AREA = Area("Proofs")

_HOW = (
    "Make a key (paystream audit new-key NAME FILE), and set SEALER_KEY_FILE, and PROOFS_FOLDER or PROOFS_BUCKET, for "
    "worker sealer: docs/proofs.md."
)


def proof_findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether there is a key, and whether the file is there in which it should be."""
    names = ("sealer_key", "sealer_key_file", "proofs_folder", "proofs_bucket", "cell")
    for target in deployment.targets(SealerKeySettings, differing_in=names).found:
        settings = target.settings
        file = settings.sealer_key_file
        if not settings.has_sealer_key:
            yield AREA.skipped("sealer", "off, as it has no key: nobody can prove that the log was not altered", _HOW)
        elif file is not None and not file.exists() and settings.app_env != "development":
            yield AREA.error("SEALER_KEY_FILE", f"{file} is not there", _HOW)
        else:
            yield AREA.ok("sealer", f"seals into {settings.proofs_place}")
            yield from _origin_findings(settings)


def _origin_findings(settings: SealerKeySettings) -> Iterator[Finding]:
    """Yield which keys do not name the cell: two logs whose trees have the same origin look like one that forks."""
    for key in _keys(settings):
        origin = key.removeprefix("PRIVATE+KEY+").partition("+")[0]
        if settings.cell is not None and settings.cell not in re.split("[/.]", origin):
            detail = f"the key is named {origin}, and the cell {settings.cell}: another cell could have the same origin"
            remedy = f"Make a key of this cell: paystream audit new-key {origin}/{settings.cell} FILE."
            yield AREA.warning("origin", detail, remedy)


def _keys(settings: SealerKeySettings) -> Iterator[str]:
    yield from (each.get_secret_value() for each in settings.sealer_key)
    if settings.sealer_key_file is not None:
        with suppress(OSError, UnicodeDecodeError):
            yield from filter(None, map(str.strip, settings.sealer_key_file.read_text("utf-8").splitlines()))
