"""The simulator's Keystone for tests of the API, and APIs that ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import falcon.testing
from keystoneauth1.identity import V3Password
from keystoneauth1.session import Session

from infrastructure.settings import LibraryOptions, library_options, load
from infrastructure.simulator import Simulator, SimulatorConfig
from infrastructure.simulator.core.config import PASSWORD, keystone_conf
from interfaces.rest.app import create_app
from interfaces.rest.auth import Authorizer
from interfaces.rest.keystone import KeystoneIdentity
from interfaces.rest.policy import PolicyAuthorizer, PolicyEnforcer
from interfaces.rest.services import RestSettings
from tests.world.api import ApiWorld


@dataclass(frozen=True)
class Keystone:
    """An identity service.

    Attributes:
        url: without a version.
        folder: for files of the test's.
    """

    url: str
    folder: Path

    def token(self, user: str = "admin", project: str | None = None) -> str:
        """A new token of one of the simulator's users."""
        auth = V3Password(
            auth_url=f"{self.url}/v3",
            username=user,
            password=PASSWORD,
            project_name=project or user,
            user_domain_id="default",
            project_domain_id="default",
            reauthenticate=False,
        )
        token = Session(auth=auth).get_token()
        assert token is not None
        return token

    def revoke(self, token: str) -> None:
        """Makes a token invalid."""
        headers = {"X-Auth-Token": self.token(), "X-Subject-Token": token}
        Session().delete(f"{self.url}/v3/auth/tokens", headers=headers)

    def options(self, *more: str, **files: str) -> LibraryOptions:
        """What an operator's file says: this Keystone, and further lines.

        Args:
            more: lines of the file; the section at its end is [keystone_authtoken].
            files: name (without .yaml) → text of files beside it.
        """
        return options_of(self.file(*more, **files))

    def file(self, *more: str, **files: str) -> Path:
        """An operator's configuration file, see ``options``."""
        path = self.folder / "vigil.conf"
        text = keystone_conf(self.url.removesuffix("/identity"))
        path.write_text("\n".join((text, *more, "")))
        for name, body in files.items():
            (self.folder / f"{name}.yaml").write_text(body)
        return path


@contextmanager
def a_keystone(folder: Path, **config: float) -> Iterator[Keystone]:
    """A simulated Keystone of the test's own."""
    simulator = Simulator(
        SimulatorConfig(hosts=1, servers=0, token_lifetime=config.get("token_lifetime", 3600.0))
    )
    simulator.start()
    try:
        yield Keystone(f"{simulator.base_url}/identity", folder)
    finally:
        simulator.stop()


def options_of(file: Path) -> LibraryOptions:
    """What libraries read in an operator's file."""
    return library_options(load(files=[file]).settings)


def guard(options: LibraryOptions) -> PolicyAuthorizer:
    """An authorizer that asks Keystone and a policy file."""
    return PolicyAuthorizer(KeystoneIdentity(options), PolicyEnforcer(options))


def guarded_by(
    api: ApiWorld, authorizer: Authorizer, settings: RestSettings | None = None
) -> falcon.testing.TestClient:
    """The API's API with another authorizer."""
    chosen = settings or api.rest.settings
    services = replace(api.rest, authorizer=authorizer, settings=chosen)
    return falcon.testing.TestClient(create_app(services))
