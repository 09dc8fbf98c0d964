"""Whether the log is sealed, so that somebody could prove what is in it."""

from collections.abc import Iterator

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
    names = ("sealer_key", "sealer_key_file", "proofs_folder", "proofs_bucket")
    for target in deployment.targets(SealerKeySettings, differing_in=names).found:
        settings = target.settings
        file = settings.sealer_key_file
        if not settings.has_sealer_key:
            yield AREA.skipped("sealer", "off, as it has no key: nobody can prove that the log was not altered", _HOW)
        elif file is not None and not file.exists() and settings.app_env != "development":
            yield AREA.error("SEALER_KEY_FILE", f"{file} is not there", _HOW)
        else:
            yield AREA.ok("sealer", f"seals into {settings.proofs_place}")
