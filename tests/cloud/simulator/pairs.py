"""A real cloud and a simulated one, asked the same."""

from dataclasses import dataclass, replace
from typing import Any

from tests.cloud.simulator.clouds import Answer, Subject
from tests.cloud.simulator.shapes import differences

# What may differ, and why.
TOLERATED = frozenset(
    {
        "$.versions",  # the real one also lists v2.0; and its v2.1 entry is checked by /v2.1
        "$.token.catalog",  # each cloud has its own services; checked by /auth/catalog
        "$.availabilityZoneInfo[].hosts",  # host names are keys; checked by os-services
    }
)


@dataclass(frozen=True)
class Pair:
    """Both clouds."""

    real: Subject
    simulated: Subject

    def same(self, service: str, method: str, path: str, *rest: Any) -> tuple[Answer, Answer]:
        """Ask both the same and compare."""
        answers = (
            self.real.ask(service, method, path.format(**self.real.ids), *rest),
            self.simulated.ask(service, method, path.format(**self.simulated.ids), *rest),
        )
        if service == "placement" and answers[0].status >= 400:
            answers = (_without_vary(answers[0]), _without_vary(answers[1]))
        return alike(*answers)


def _without_vary(answer: Answer) -> Answer:
    """Placement announces the header on some of its refusals only, by where they are raised."""
    return replace(answer, headers=answer.headers - {"vary"})


def alike(real: Answer, simulated: Answer) -> tuple[Answer, Answer]:
    """Fail where two answers differ in form."""
    assert simulated.status == real.status, (real.body, simulated.body)
    assert simulated.headers == real.headers
    assert differences(real.shape, simulated.shape, TOLERATED) == []
    return real, simulated


def live(cloud: Subject, server_id: str, host: str | None, version: str) -> Answer:
    """Ask for a live migration."""
    action = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
    return cloud.act(server_id, action, version)


def moved(cloud: Subject, server: dict[str, Any]) -> None:
    """Move a server away and back."""
    for host in (None, server["OS-EXT-SRV-ATTR:host"]):
        asked = live(cloud, server["id"], host, "2.30")
        assert asked.status == 202, asked.body
        cloud.settled(server["id"])
