"""`vigil listener`: what it says when it cannot work, and when `vigil up` runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.settings import LoadedSettings, load
from interfaces.bootstrap.database import upgrade
from interfaces.cli.installation_plan import plan

MISSING = 'raise ModuleNotFoundError("No module named oslo_messaging")'
CLOUDS = """
clouds:
  real:
    auth: {auth_url: "http://127.0.0.1:9/v3", username: u, password: p, project_name: p}
"""


def flags(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "clouds.yaml").write_text(CLOUDS, encoding="utf-8")
    return {
        "vigil.data_dir": str(tmp_path),
        "vigil.cloud": "real",
        "vigil.cloud_config": str(tmp_path / "clouds.yaml"),
        "DEFAULT.transport_url": "rabbit://nobody:secret@127.0.0.1:9/",
    }


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "oslo_messaging.py").write_text(MISSING, encoding="utf-8")
    chosen = flags(tmp_path)
    upgrade(load(flags=chosen, files=()).settings)
    words = [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.main", "listener", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": f"{tmp_path}:{root}", "PATH": ""},
    )
    assert result.returncode == 1
    assert "pip install 'vigil-optimizer[notifications]'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("missing", "runs"),
    [((), True), (("DEFAULT.transport_url",), False), (("vigil.cloud",), False)],
    ids=["told where", "no bus", "simulated cloud"],
)
def test_up_listens_to_a_real_cloud_whose_bus_it_knows(
    tmp_path: Path, missing: tuple[str, ...], runs: bool
) -> None:
    chosen = {name: value for name, value in flags(tmp_path).items() if name not in missing}

    def again(more: dict[str, str]) -> LoadedSettings:
        return load(flags={**chosen, **more}, files=())

    installation = plan(again({}), again)
    try:
        names = [spec.name for spec in installation.specs()]
    finally:
        installation.close()
    assert ("listener" in names) == runs
    assert "collector" in names
