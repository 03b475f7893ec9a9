"""Facts over a collected model: each rule, and the defects that it cures (defect register 27)."""

from dataclasses import replace
from typing import Any

from domain.cluster.compute.allocations import Allocation
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.reasons import HOST_DOWN, UNKNOWN_HOST
from domain.cluster.compute.records import GroupRow, HostRow, ServerRow
from domain.cluster_models.amendments import (
    ComputeAmendments,
    ComputeFact,
    ComputeFacts,
    GroupFact,
    HostFact,
    Ignored,
    MemberFact,
    PinFact,
    ServerFact,
    Stamp,
    admit_compute,
    carry_over,
)
from domain.cluster_models.reasons import PIN_UNKNOWN

BEGAN = 1000.0
"""When the collection began; it read everything at once."""


def base(*servers: ServerRow, **changes: Any) -> ComputeModel:
    hosts = [
        HostRow("1", "a", zone="za", vcpus=8, memory_mb=1024),
        HostRow("2", "b", zone="zb", vcpus=8, memory_mb=1024, **changes),
    ]
    groups = [GroupRow("g", "g", "affinity", ("s", "t"))]
    return ComputeModel.build(hosts, servers or (server(),), groups)[0]


def server(name: str = "s", **changes: Any) -> ServerRow:
    fields: dict[str, Any] = {"vcpus": 1, "memory_mb": 1, "disk_gb": 1, "status": "ACTIVE"}
    grouped = {"groups": ("g",), "pinned_zone": "za", "updated_at": 990}
    return ServerRow(name, name, **{"host": "a", **fields, **grouped, **changes})


def stamp(at: float, version: int = 0) -> Stamp:
    return Stamp(version, at, f"m{at}")


def seen(at: float, name: str = "s", version: int = 990, **changes: Any) -> ServerFact:
    """What a message tells of a server."""
    attributes = {"name": name, "vcpus": 1, "memory_mb": 1, "disk_gb": 1, "host": "a"}
    state = {"state": "active", "status": "ACTIVE", "locked": False, "metadata": {}}
    return ServerFact(name, stamp(at, version), attributes={**attributes, **state, **changes})


def gone(at: float, name: str = "s") -> ServerFact:
    return ServerFact(name, stamp(at), gone=True)


class Model:
    """A model that is told things."""

    def __init__(self, collected: ComputeModel | None = None) -> None:
        self.known = ComputeAmendments(collected or base(), ComputeFacts())
        self.ignored: list[Ignored] = []
        self.unclear: list[str] = []
        self.changes: dict[str, int] = {}

    def told(self, *facts: ComputeFact, since: float = BEGAN) -> "Model":
        admission = admit_compute(self.known, ComputeFacts.of(facts), since)
        self.known = admission.amended
        self.ignored = list(admission.ignored.elements())
        self.unclear = [because.reason for because in admission.unclear]
        self.changes = admission.changes
        return self

    def server(self, name: str = "s") -> ServerRow | None:
        """A server of the model, as it would be read from its columns."""
        model, _ = self.known.model()
        return ComputeAmendments(model, ComputeFacts()).collected(name)

    def host(self, name: str) -> tuple[str, str, str | None]:
        """State, status and reason of a host."""
        hosts, at = self.known.model()[0].hosts, self.known.base.host_places[name]
        return hosts.state[at], hosts.status[at], hosts.disabled_reason[at]


def test_a_moved_server_is_on_its_new_host_in_that_host_s_zone() -> None:
    model = Model().told(seen(1001, host="b", zone="za"))
    row = model.server()
    assert row is not None
    assert (row.host, row.zone) == ("b", "zb")
    assert model.changes == {"servers_moved": 1}


def test_what_no_message_tells_stays_as_it_was_collected() -> None:
    row = Model().told(seen(1001, name="s", locked=True)).server()
    assert row == replace(server(), locked=True, zone="za")


def test_an_update_that_comes_after_the_deletion_makes_no_ghost() -> None:
    """A late ``instance.update`` re-created the server; it consumed capacity until a rebuild."""
    model = Model().told(gone(1002))
    assert model.changes == {"servers_removed": 1}
    model.told(seen(1001))
    assert (model.server(), model.ignored) == (None, [Ignored.GONE])
    model.told(seen(1003, version=1002))  # not even a later one: ids are never used again
    assert (model.server(), model.ignored) == (None, [Ignored.GONE])


def test_what_a_deleted_server_held_elsewhere_is_free_again() -> None:
    """It was on its way to b when the cloud was collected."""
    stranger = Allocation("orphan", 2)
    coming = base(server(), other_allocations=(Allocation("s", 1, 1, 1), stranger))
    model = Model(coming)
    assert model.known.model()[0].foreign_allocated[0].tolist() == [0.0, 3.0]
    model.told(gone(1001))
    changed, _ = model.known.model()
    assert changed.hosts.other_allocations[1] == (stranger,)
    assert changed.hosts.other_allocations[0] is None
    assert model.changes == {"servers_removed": 1}
    alone = base(server(), other_allocations=(Allocation("s", 1, 1, 1),))
    assert Model(alone).told(gone(1001)).known.model()[0].hosts.other_allocations[1] is None


def test_a_server_that_lands_takes_the_room_that_it_held() -> None:
    coming = base(server(), other_allocations=(Allocation("s", 1, 1, 1),))
    landed, _ = Model(coming).told(seen(1001, host="b")).known.model()
    assert (landed.allocated + landed.foreign_allocated)[0].tolist() == [0.0, 1.0]


def test_a_server_that_may_still_be_sent_back_holds_the_room_that_it_had() -> None:
    """A resize or a cold migration that waits to be confirmed: Placement keeps the source booked to
    the migration, of which no message tells. The source looked empty until the next collection, and
    moves to it were planned that Nova refused."""
    waiting: dict[str, Any] = {"state": "resized", "status": "VERIFY_RESIZE"}
    model = Model().told(seen(1001, host="b", vcpus=4, **waiting))
    changed, _ = model.known.model()
    assert (changed.allocated + changed.foreign_allocated)[0].tolist() == [1.0, 4.0]
    here = Model().told(seen(1001, host="a", vcpus=4, **waiting)).known.model()[0]
    assert (here.allocated + here.foreign_allocated)[0].tolist() == [5.0, 0.0]
    confirmed = model.told(seen(1002, host="b", vcpus=4)).known.model()[0]
    assert (confirmed.allocated + confirmed.foreign_allocated)[0].tolist() == [0.0, 4.0]
    lost = model.told(gone(1003)).known.model()[0]
    assert (lost.allocated + lost.foreign_allocated)[0].tolist() == [0.0, 0.0]


def test_a_server_that_waited_when_it_was_collected_is_not_booked_once_more() -> None:
    held = Allocation("migration", 1, 1, 1)
    row = server(host="a", state="resized", status="VERIFY_RESIZE")
    model = Model(base(row, other_allocations=(held,)))
    model.told(seen(1001, state="resized", status="VERIFY_RESIZE", name="renamed"))
    assert model.known.model()[0].hosts.other_allocations[1] == (held,)
    assert model.known.model()[0].hosts.other_allocations[0] is None


def test_a_deletion_is_remembered_for_a_while_after_a_collection_confirmed_it() -> None:
    """Whoever was at work on the server may tell of it after it went, and after a collection."""
    late = base(server("t"))
    carried = carry_over(Model().told(gone(1001)).known, late, 1005, admit_compute)
    model = Model(late)
    model.known = ComputeAmendments(late, carried.facts)
    assert model.told(seen(1006), since=1005).ignored == [Ignored.GONE]
    again = carry_over(model.known, late, 2000, admit_compute)
    assert not again.facts


def test_a_collection_that_shows_what_was_deleted_long_before_is_believed() -> None:
    known = Model().told(gone(1001)).known
    assert not carry_over(known, base(), 1100, admit_compute).facts
    assert carry_over(known, base(), 1000.5, admit_compute).facts


def test_a_server_is_on_no_host_at_once_or_not_at_all() -> None:
    """A null host left half-updated and half-created instances behind."""
    model = Model().told(seen(1001, host=None, state="shelved_offloaded", zone=None))
    row = model.server()
    assert row is not None
    assert (row.host, row.state, row.zone) == (None, "shelved_offloaded", None)
    new = model.told(seen(1002, "n", 0, host=None, state="error")).server("n")
    assert new is not None
    assert (new.host, new.state) == (None, "error")
    assert len(model.known.model()[0].servers) == 0


def test_an_older_state_that_comes_later_is_not_applied() -> None:
    model = Model().told(seen(1002, version=1001, host="b")).told(seen(1001, host="a"))
    assert model.ignored == [Ignored.OLDER]
    row = model.server()
    assert row is not None
    assert row.host == "b"


def test_a_message_that_comes_twice_counts_once() -> None:
    model = Model().told(seen(1001, host="b")).told(seen(1001, host="b"))
    assert (model.ignored, model.changes) == ([Ignored.DUPLICATE], {})


def test_what_the_collection_has_seen_is_not_applied_over_it() -> None:
    """Waiting messages of before a full synchronisation undid what it had read (lost update)."""
    row = server(host="b", updated_at=995)
    model = Model(base(row)).told(seen(999.9, version=980, host="a"))
    assert model.ignored == [Ignored.COLLECTED]
    model.told(seen(1000.1, version=994, host="a"))  # told late, of a version before the read one
    assert model.ignored == [Ignored.COLLECTED]
    assert model.server() == row


def test_what_changed_after_the_collection_read_it_is_applied_although_it_ended_later() -> None:
    """A full synchronisation overwrote what came while it read (lost update)."""
    known = Model().told(seen(1003, version=990, host="b")).known
    later = base()  # read the server before it moved, ended after
    carried = carry_over(known, later, 1001, admit_compute)
    assert ComputeAmendments(later, carried.facts).server("s") == replace(
        server(), host="b", zone="zb"
    )


def test_a_server_that_a_later_collection_did_not_show_stays_away() -> None:
    model = Model().told(seen(999, "n", 0))
    assert (model.server("n"), model.ignored) == (None, [Ignored.COLLECTED])


def test_a_new_server_s_pin_is_told_by_the_scheduler_or_asked_for() -> None:
    model = Model().told(seen(1001, "n", 0))
    assert model.unclear == [PIN_UNKNOWN]
    assert model.told(seen(1002, "n", 1001, locked=True)).unclear == []  # once is enough
    pinned = Model().told(PinFact("n", stamp(1000.5), "zb"), seen(1001, "n", 0))
    assert pinned.unclear == []
    row = pinned.server("n")
    assert row is not None
    assert row.pinned_zone == "zb"


def test_a_server_on_a_host_that_was_not_collected_is_load_on_none_and_asked_for() -> None:
    model = Model().told(seen(1001, host="new"))
    amended, problems = model.known.model()
    assert (len(amended.servers), len(amended.unplaced)) == (0, 0)
    assert [because.reason for because in problems] == [UNKNOWN_HOST]
    assert model.unclear == [UNKNOWN_HOST]
    assert model.changes == {"servers_removed": 1}
    assert model.told(seen(1002, version=1001, host="b")).changes == {"servers_added": 1}


def test_a_soft_deleted_server_is_not_listed_and_may_come_back() -> None:
    model = Model().told(seen(1001, state="soft-delete"))
    assert model.server() is None
    row = model.told(seen(1003, version=1001, state="active")).server()
    assert row == replace(server(), zone="za", updated_at=1001)


def disabled(at: float, *, off: bool = True, down: bool = False, host: str = "b") -> HostFact:
    return HostFact(host, stamp(at), disabled=off, disabled_reason="why", forced_down=down)


def test_a_disabled_service_is_told_with_its_reason_and_its_trait() -> None:
    model = Model().told(disabled(1001))
    assert model.host("b") == ("up", "disabled", "why")
    hosts = model.known.model()[0].hosts
    assert hosts.traits[1] == ("COMPUTE_STATUS_DISABLED",)
    assert model.told(disabled(1002, off=False)).host("b") == ("up", "enabled", None)
    assert model.known.model()[0].hosts.traits[1] == ()


def test_a_host_that_is_down_is_not_up_because_nobody_forced_it_down() -> None:
    """Any service event set a dead host back to up."""
    model = Model(base(state="down")).told(disabled(1001))
    assert model.host("b") == ("down", "disabled", "why")
    assert model.unclear == [HOST_DOWN]


def test_a_host_that_is_forced_down_is_down() -> None:
    model = Model().told(disabled(1001, off=False, down=True))
    assert model.host("b") == ("down", "enabled", None)


def test_a_service_on_a_host_that_was_not_collected_is_asked_for() -> None:
    model = Model().told(disabled(1001, host="new"))
    assert (model.ignored, model.unclear) == ([Ignored.UNKNOWN_HOST], [UNKNOWN_HOST])


def test_groups_come_grow_shrink_and_go() -> None:
    model = Model(base(server(), server("t")))
    model.told(
        GroupFact("h", stamp(1001), name="h", policy="soft-affinity"),
        MemberFact("n", stamp(1001), "h"),
        PinFact("n", stamp(1001), None),
        seen(1002, "n", 0),
    )
    row = model.server("n")
    assert row is not None
    assert row.groups == ("h",)
    model.told(gone(1003, "t"), GroupFact("h", stamp(1004), gone=True))
    amended, _ = model.known.model()
    assert [(group.id, group.members) for group in amended.groups] == [("g", ("s",))]
    row = model.server("n")
    assert row is not None
    assert row.groups == ()


def test_an_amended_model_is_canonical() -> None:
    """It is the model, to the byte, that building it from its rows gives."""
    facts = (seen(1001, host="b"), seen(1001, "n", 0, host="a"), PinFact("n", stamp(1), "za"))
    amended, _ = Model().told(*facts).known.model()
    rows = [ComputeAmendments(amended, ComputeFacts()).collected(one) for one in amended.servers.id]
    built = base(*(row for row in rows if row is not None))
    assert amended.to_columns() == built.to_columns()
