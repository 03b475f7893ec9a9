"""oslo.policy's own tools know Vigil's rules under the namespace ``vigil``."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from interfaces.rest.policy import list_rules
from tests.integration.rest.access.process import environment

SAMPLE = Path(__file__).parents[4] / "docs" / "policy.yaml.sample"


def tool(name: str, *words: str, status: int = 0) -> str:
    """What a tool prints."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / f"oslopolicy-{name}"), "--namespace", "vigil", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """An operator's configuration, with overrides beside it."""
    path = tmp_path / "vigil.conf"
    path.write_text("[oslo_policy]\npolicy_file = mine.yaml\n")
    (tmp_path / "mine.yaml").write_text(
        '"goal:get": "role:reader"\n"goal:detail": "rule:admin_api"\n'
    )
    return path


def test_the_sample_generator_writes_the_committed_sample() -> None:
    assert tool("sample-generator") == SAMPLE.read_text(), "run `make docs`"


def test_the_sample_with_its_comments_removed_is_the_default_policy() -> None:
    lines = [line for line in SAMPLE.read_text().splitlines() if line.startswith('#"')]
    spelt_out = yaml.safe_load("\n".join(line.removeprefix("#") for line in lines))
    assert spelt_out == {rule.name: rule.check_str for rule in list_rules()}


def test_the_policy_generator_merges_an_operators_file(conf: Path) -> None:
    merged = yaml.safe_load(tool("policy-generator", "--config-file", str(conf)))
    defaults = {rule.name: rule.check_str for rule in list_rules()}
    assert merged == {**defaults, "goal:get": "role:reader"}


def test_the_validator_finds_a_rule_that_is_none_of_ours(conf: Path) -> None:
    assert tool("validator", "--config-file", str(conf)) == ""
    (conf.parent / "mine.yaml").write_text('"goal:gte": "role:reader"\n')
    said = tool("validator", "--config-file", str(conf), status=1)
    assert "Unknown rule found in policy file: goal:gte" in said


def test_overrides_that_change_nothing_are_listed(conf: Path) -> None:
    assert tool("list-redundant", "--config-file", str(conf)) == '"goal:detail": "rule:admin_api"\n'
