"""Keystone's service catalogue, and the records from which it is made."""

from infrastructure.simulator.core.config import REGION
from infrastructure.simulator.core.http.calls import Json
from infrastructure.simulator.core.people import stable_hex

_OWN = (
    ("baremetal", "ironic", "/baremetal"),
    ("block-storage", "cinder", "/volume/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("identity", "keystone", "/identity/v3"),
    ("metric-storage", "prometheus", "/prometheus"),
    ("placement", "placement", "/placement"),
    ("volumev3", "cinderv3", "/volume/v3"),
)
INTERFACES = ("internal", "public", "admin")


def entries(base_url: str, others: dict[str, str]) -> list[tuple[str, str, str]]:
    """Service type, name and URL of everything in the catalogue.

    Args:
        base_url: of the simulator.
        others: type → URL of more services, also in place of the simulator's own; one without a
            URL is not there.
    """
    own = [(kind, name, base_url + path) for kind, name, path in _OWN if kind not in others]
    return own + [(kind, kind, url) for kind, url in others.items() if url]


def catalogue(base_url: str, others: dict[str, str]) -> list[Json]:
    """The catalogue as tokens carry it."""
    return [
        {
            "endpoints": [
                {
                    "id": stable_hex("endpoint", f"{kind}/{interface}"),
                    "interface": interface,
                    "region_id": REGION,
                    "url": url,
                    "region": REGION,
                }
                for interface in INTERFACES
            ],
            "id": stable_hex("service", kind),
            "type": kind,
            "name": name,
        }
        for kind, name, url in entries(base_url, others)
    ]
