"""Who may call the API, and over which connections: the options that Vigil itself looks at.

The rest of ``[keystone_authtoken]`` and ``[oslo_policy]`` belongs to keystonemiddleware and
oslo.policy, which read the same files (see ``libraries.py``).
"""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

from dataclasses import dataclass
from pathlib import Path

from infrastructure.settings.kinds import File, Flag, Integer, Text
from infrastructure.settings.options import option

LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True)
class AccessSettings:
    """What stands between a connection and the API."""

    auth_type: str | None = option(
        "keystone_authtoken.auth_type",
        Text("the name of a keystoneauth plug-in"),
        None,
        "How Vigil authenticates itself to Keystone to have tokens validated: `password`, "
        "`v3applicationcredential`, … Every other option of keystonemiddleware's auth_token may "
        "stand beside it.",
    )
    auth_section: str | None = option(
        "keystone_authtoken.auth_section",
        Text("the name of a section"),
        None,
        "The section that has auth_type and the credentials, if it is not this one.",
    )
    policy_file: str = option(
        "oslo_policy.policy_file",
        Text("a path"),
        "policy.yaml",
        "Overrides of policy rules. A relative path is looked for beside the configuration files, "
        "then in `~/.vigil`, `~`, `/etc/vigil` and `/etc`. Read again when it changes.",
    )
    max_request_body_size: int = option(
        "oslo_middleware.max_request_body_size",
        Integer(1024),
        LARGEST_BODY,
        "Bytes of the longest request body that is read; a longer one is answered 413.",
    )
    enable_proxy_headers_parsing: bool = option(
        "oslo_middleware.enable_proxy_headers_parsing",
        Flag(),
        default=False,
        help="Whether a proxy in front is believed: Forwarded and X-Forwarded-* headers (Proto, "
        "Host, and Prefix: a path that it cut off) then make up the links in answers. Only for a "
        "proxy that removes what clients send of these.",
    )
    cert_file: Path | None = option(
        "ssl.cert_file", File(), None, "PEM file with the server's certificate and its chain."
    )
    key_file: Path | None = option(
        "ssl.key_file", File(), None, "PEM file with the certificate's private key."
    )
    ca_file: Path | None = option(
        "ssl.ca_file",
        File(),
        None,
        "PEM file of authorities; set, clients must present a certificate that one of them signed.",
    )

    @property
    def names_credentials(self) -> bool:
        """Whether the configuration says how Vigil authenticates itself to Keystone."""
        return self.auth_type is not None or self.auth_section is not None
