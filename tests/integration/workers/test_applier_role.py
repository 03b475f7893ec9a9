"""What the applier does beside its plans."""

import threading
from pathlib import Path
from uuid import uuid4

from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.plans import ActionPlan
from domain.plans.reasons import STILL_RUNNING
from infrastructure.settings import load
from infrastructure.simulator import clouds_yaml
from interfaces.bootstrap.database import opened, upgrade
from interfaces.bootstrap.roles.applier import prepare
from tests.integration.notifier.publishing import until
from tests.world.values import planned, proposal
from tests.world.world import CLOCK, TEST


def test_it_follows_up_what_was_still_running_when_its_action_failed(tmp_path: Path) -> None:
    config = tmp_path / "clouds.yaml"
    config.write_text(clouds_yaml("http://127.0.0.1:9"))
    flags = {
        "vigil.data_dir": str(tmp_path),
        "vigil.cloud": "simulator",
        "vigil.cloud_config": str(config),
        "vigil.sweep_interval": "0.1",
    }
    settings = load(flags=flags, files=()).settings
    upgrade(settings)
    stop = threading.Event()
    with opened(settings) as database:
        ctx = Context(CLOCK.now(), TEST)
        actions = [planned("nop", "x", {"message": "hi"})]
        plan = ActionPlan.propose(ctx, proposal(uuid4(), uuid4(), actions))
        plan.launch(ctx)
        epoch = plan.claim(ctx, "a lost applier", "here")
        (action,) = plan.actions
        plan.intend_action(ctx, epoch, action, {"before": {}})
        why = Cause(STILL_RUNNING, {"seconds": 900, "status": "running"})
        plan.fail_action(ctx, epoch, action, why)
        database.log.save(plan)

        def is_followed_up() -> bool:
            found = database.log.find(ActionPlan, plan.id)
            return found is not None and found.still_running() == ()

        assert not is_followed_up()
        (background,), *_ = prepare(settings, database, stop).args  # type: ignore[attr-defined]
        thread = threading.Thread(target=background, args=(stop,))
        thread.start()
        try:
            until(is_followed_up, "the action is followed up")
        finally:
            stop.set()
            thread.join(30)
