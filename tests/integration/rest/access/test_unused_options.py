"""What a role says of a configuration file with names that are no option."""

from pathlib import Path

import pytest

from tests.integration.cli.test_unused_options import FILE
from tests.integration.rest.access.keystone import Keystone
from tests.integration.rest.access.process import serving
from tests.world.api import ApiWorld

pytestmark = pytest.mark.timeout(180)


def test_a_role_says_at_the_start_which_options_it_does_not_use(
    used_api: ApiWorld, tmp_path: Path
) -> None:
    """A mistyped section was as silent as one of another service's."""
    conf = tmp_path / "vigil.conf"
    conf.write_text(FILE)
    with serving(used_api.url, conf) as running:
        text = running.said.read_text()
    assert f"{conf}: options that are not used" in text
    assert "[api] prot (is `port` meant?)" in text
    assert "[keystone_authtokn] username (is [keystone_authtoken] meant?)" in text
    assert "[watcher_decision_engine] conductor_topic, status_topic" in text
    assert "[watcher_messaging] driver" in text
    assert "watcher_messaging] driver (is" not in text


def test_an_unknown_name_in_a_section_of_a_library_is_said_too(
    used_api: ApiWorld, keystone: Keystone
) -> None:
    conf = keystone.file("memcache_server = ctl:11211")
    with serving(used_api.url, conf) as running:
        assert "[keystone_authtoken] memcache_server (is `memcache_servers` meant?)" in (
            running.said.read_text()
        )
