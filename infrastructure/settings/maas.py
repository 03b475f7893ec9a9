"""MAAS."""

from dataclasses import dataclass

from infrastructure.settings.option_types import API_KEY, HTTP_URL, Float
from infrastructure.settings.options import option


@dataclass(frozen=True)
class MaasSettings:
    """MAAS, if it manages the bare metal instead of Ironic."""

    url: str | None = option(
        "maas_client.url",
        HTTP_URL,
        None,
        "URL of MAAS, such as http://maas:5240/MAAS. Set: MAAS manages the bare-metal nodes. Not "
        "set: Ironic, if the cloud has it.",
    )
    api_key: str | None = option(
        "maas_client.api_key",
        API_KEY,
        None,
        "API key of a MAAS administrator.",
        secret=True,
    )
    timeout: float = option(
        "maas_client.timeout", Float(1.0, 600.0), 60.0, "Timeout of a MAAS request in seconds."
    )
