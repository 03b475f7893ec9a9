"""Read-only commands load no openstacksdk, no REST application and no plug-ins."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "openstack",
    "keystoneauth1",
    "falcon",
    "gunicorn",
    "keystonemiddleware",
    "interfaces.rest",
    "textual",
)
PLUGINS = "infrastructure.plugins"
LOADED = """
import sys
from interfaces.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""


def heavy(*words: str) -> set[str]:
    """The heavy packages that a command imported."""
    loaded = modules(*words)
    return {name for name in HEAVY if name in loaded}


def modules(*words: str) -> set[str]:
    """Runs a command in a new interpreter; returns the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        capture_output=True,
        text=True,
        check=True,
        input='{"hosts": [], "instances": []}',
    )
    loaded = set(done.stderr.splitlines())
    assert "interfaces.cli.main" in loaded
    return loaded


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["config", "--set", "vigil.cloud=any"],
        ["replay", "--help"],
        ["seal", "--help"],
        ["status", "--help"],
        ["cluster", "show", "--help"],
        ["projector", "--help"],
    ],
    ids=" ".join,
)
def test_a_command_does_not_load_what_it_does_not_use(words: list[str]) -> None:
    assert heavy(*words) == set()


def test_a_list_of_commands_needs_no_numpy() -> None:
    """It takes half as long again to start."""
    assert "numpy" not in modules("--help")
    assert "numpy" not in modules("replay", "--help")
    assert "numpy" not in modules("status", "--help")
    assert "numpy" in modules("cluster", "show", "--help")


def test_only_commands_that_need_plug_ins_load_them(tmp_path: Path) -> None:
    """They may come from other people and take their time."""
    data = ["--data", str(tmp_path)]
    modules("db", "upgrade", *data)
    for words in (["--help"], ["status", "--once", *data], ["replay", "log", *data]):
        assert PLUGINS not in modules(*words)
    assert PLUGINS in modules("config", "--set", "vigil.cloud=any")


def test_viewers_do_not_load_it_when_they_run_either(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    assert heavy("db", "upgrade", *data) == set()
    assert heavy("status", "--once", *data) == set()
    assert heavy("replay", "log", *data) == set()


def test_a_strategy_runs_offline_without_openstacksdk() -> None:
    assert heavy("strategy", "run", "dummy", "--cluster", "-") == set()


def test_the_check_sees_what_a_command_loads() -> None:
    assert {"openstack", "keystoneauth1"} <= heavy("up", "--help")
    assert "openstack" in heavy("plugins", "list")


def test_the_first_screen_of_the_debugger_waits_for_no_read_models_and_no_strategies() -> None:
    loaded = modules("replay", "open")
    assert "textual" in loaded
    assert "sqlalchemy" not in loaded
    assert "application.records.decision" not in loaded
    assert not [one for one in loaded if one.startswith("domain.optimization.strategies.")]
