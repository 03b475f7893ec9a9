"""Model records that earlier versions stored stay readable, and stay what they are."""

from pathlib import Path

import msgspec

from application.cluster_models.record import ModelRecord, decode_model
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.numa.cells import NumaCell
from tests.unit.cluster.build import host, model, server

BEFORE_NUMA = Path(__file__).with_name("record_before_numa.json")
"""Written by the version that knew no NUMA cells. Never to be written again."""


def encoded(record: ModelRecord) -> bytes:
    return msgspec.json.encode(record, order="sorted")


def test_a_record_from_before_numa_cells_is_read_and_written_again_to_the_byte() -> None:
    """So the model of a cloud that tells nothing new keeps its digest."""
    content = BEFORE_NUMA.read_bytes()
    record = decode_model(content)
    old = ComputeModel.from_columns(record.model)
    assert old.hosts.numa.table == (None,)
    assert old.servers.numa_nodes[0] is None
    assert old.servers.id == ("s0",)
    again = msgspec.structs.replace(record, model=old.to_columns())
    assert encoded(again) == content


def test_numa_cells_come_back_from_a_record() -> None:
    cells = (NumaCell(0, 8, 4, 16384, ((2048, 512), (1048576, 2))), NumaCell(8, 8, 0, 16384))
    spread = model(
        [host(0, numa=cells), host(1)],
        [server(0, 0, numa_nodes=(8, 0)), server(1, 1), server(2, None, numa_nodes=(0,))],
    )
    record = with_model(decode_model(BEFORE_NUMA.read_bytes()), spread)
    again = ComputeModel.from_columns(decode_model(encoded(record)).model)
    assert [again.hosts.numa[n] for n in range(2)] == [cells, None]
    assert again.servers.numa_nodes[0] == (8, 0)
    assert again.unplaced.numa_nodes[0] == (0,)
    assert again.to_columns() == spread.to_columns()


def test_a_selection_of_hosts_keeps_their_cells() -> None:
    one, two = (NumaCell(0, 8),), (NumaCell(0, 4), NumaCell(1, 4))
    spread = model([host(0, numa=one), host(1, numa=two), host(2)], [])
    part = spread.restrict(spread.hosts.numa.where(lambda cells: cells == two))
    assert part.hosts.numa.table == (two,)
    assert part.hosts.name == ("c1",)


def with_model(record: ModelRecord, built: ComputeModel) -> ModelRecord:
    return msgspec.structs.replace(record, model=built.to_columns())
