"""`vigil cluster show` and `list` beside a `vigil up`."""

from pathlib import Path

import pytest

from domain.cluster_models import ClusterModel
from infrastructure.supervision import UpState, state
from interfaces.cli.main import main
from tests.given import context
from tests.world.collected import collect
from tests.world.world import World


def test_the_models_of_the_running_vigil_are_found_whatever_cloud_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`vigil status` showed a model, `vigil cluster show` said that there was none."""
    with World(tmp_path) as world:
        collect(world, ClusterModel.open(context(), "simulator", "compute"))
        up = UpState(
            pid=1,
            started_at="2026-11-24T12:00:00+00:00",
            version="2",
            ready=True,
            data_dir=str(tmp_path),
            api_url="http://127.0.0.1:1",
            database=world.url,
            nats_url="nats://127.0.0.1:2",
            nats_token=None,
            cloud="simulator",
            cloud_config=None,
            simulator_url=None,
            prometheus_url=None,
            log="vigil.log",
        )
        state.write(tmp_path, up)
        monkeypatch.setenv("VIGIL_CLOUD", "production")
        for action in ("show", "list"):
            assert main(["cluster", action, "--data", str(tmp_path)]) == 0
            assert "cmp-1" in capsys.readouterr().out
        named = ["cluster", "show", "--data", str(tmp_path), "--cloud", "production"]
        assert main(named) == 1
        assert "No cluster model" in capsys.readouterr().err
