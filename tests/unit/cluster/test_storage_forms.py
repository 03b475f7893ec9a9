"""The storage model as XML and as a flat list."""

from dataclasses import replace

import pytest

from domain.cluster.formats.storage_listing import to_list
from domain.cluster.formats.storage_xml import from_xml, to_xml
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.kernel.errors import InvalidValue

VOLUME = VolumeRow(
    id="v1",
    name="da<ta",
    pool="h@b#p",
    size_gb=40,
    status="in-use",
    volume_type="fast",
    attachments=(Attachment("server", "attachment"),),
    bootable="false",
    project_id="project",
    metadata={"a": "b'\""},
    created_at="2026-01-01T00:00:00.000000",
)


def cloud() -> StorageModel:
    """Two backends, one of them with an unmeasured pool and an empty one, and a loose volume."""
    model, _ = StorageModel.build(
        [StorageNodeRow("h@b", zone="z"), StorageNodeRow("h@c", status="disabled", state="down")],
        [
            PoolRow("h@b#p", total_volumes=1, total_gb=100, free_gb=60.9, allocated_gb=40),
            PoolRow("h@b#q", total_gb="unknown", free_gb="infinite"),
        ],
        [VOLUME, replace(VOLUME, id="v2", pool="gone@x#y", bootable="true", snapshot_id="snap")],
        [VolumeTypeRow("1", "fast", "b"), VolumeTypeRow("2", "good", "b")],
    )
    return model


def test_what_is_written_as_xml_reads_back_the_same() -> None:
    """Defect of the ancestor: its XML could not be read again, and text "False" became true."""
    text = to_xml(cloud())
    again, quarantined = from_xml(text)
    assert quarantined == ()
    assert to_xml(again) == text
    assert again.volumes.bootable.tolist() == [False]
    assert again.unplaced.bootable.tolist() == [True]
    assert again.unplaced.pool_name[0] == "gone@x#y"
    assert again.nodes.volume_types[0] == ("fast", "good")
    assert again.volumes.metadata[0] == {"a": "b'\""}


def test_xml_elements_nest_and_carry_the_established_attributes() -> None:
    lines = [line.strip() for line in to_xml(cloud()).splitlines()]
    assert lines[:5] == [
        "<ModelRoot>",
        (
            '<StorageNode host="h@b" zone="z" status="enabled" state="up" '
            'volume_type="[&quot;fast&quot;, &quot;good&quot;]" uuid="" human_id="">'
        ),
        (
            '<Pool name="h@b#p" total_volumes="1" total_capacity_gb="100" free_capacity_gb="60" '
            'provisioned_capacity_gb="40" allocated_capacity_gb="40" virtual_free="60" uuid="" '
            'human_id="">'
        ),
        (
            '<Volume size="40" status="in-use" attachments="[{&quot;server_id&quot;: '
            '&quot;server&quot;, &quot;attachment_id&quot;: &quot;attachment&quot;}]" '
            'name="da&lt;ta" multiattach="False" snapshot_id="None" project_id="project" '
            'metadata="{&quot;a&quot;: &quot;b\'\\&quot;&quot;}" bootable="False" '
            'volume_type="fast" created_at="2026-01-01T00:00:00.000000" host="h@b#p" uuid="v1" '
            'human_id="" />'
        ),
        "</Pool>",
    ]


def test_an_unknown_capacity_is_left_out_and_one_without_limit_is_said() -> None:
    pool = next(line for line in to_xml(cloud()).splitlines() if "h@b#q" in line)
    assert pool.strip() == (
        '<Pool name="h@b#q" free_capacity_gb="infinite" virtual_free="infinite" uuid="" '
        'human_id="" />'
    )


def test_an_older_fixture_with_one_type_and_unknown_attributes_is_read() -> None:
    model, quarantined = from_xml(
        '<ModelRoot><StorageNode human_id="" uuid="" id="1" host="h@b" zone="z" status="enabled" '
        'state="up" volume_type="type_1"><Pool human_id="" uuid="" name="h@b#p" total_volumes="1" '
        'total_capacity_gb="500" free_capacity_gb="420" provisioned_capacity_gb="80" '
        'allocated_capacity_gb="80" virtual_free="420"/></StorageNode>'
        '<Volume uuid="v" size="40" host="h@b#p"/></ModelRoot>'
    )
    assert quarantined == ()
    assert model.nodes.volume_types[0] == ("type_1",)
    assert model.pools.virtual_free_gb.tolist() == [420.0]
    assert model.unplaced.id == ("v",)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("<ModelRoot>", "xml"),
        ("<ModelRoot><StorageNode/></ModelRoot>", "host"),
        ('<ModelRoot><StorageNode host="h@b"><Pool/></StorageNode></ModelRoot>', "name"),
        (
            (
                '<ModelRoot><StorageNode host="h@b"><Pool name="h@b#p" free_capacity_gb="x"/>'
                "</StorageNode></ModelRoot>"
            ),
            "free_capacity_gb",
        ),
        ('<ModelRoot><Volume uuid="v" size="x"/></ModelRoot>', "size"),
        ('<ModelRoot><Volume uuid="v" size="1" bootable="no"/></ModelRoot>', "bootable"),
        (f'<ModelRoot><Volume uuid="v" metadata="{"[" * 100_000}"/></ModelRoot>', "metadata"),
        ('<ModelRoot><Volume uuid="v" size="1" metadata="{\'a\': 1}"/></ModelRoot>', "metadata"),
        ('<ModelRoot><Volume uuid="v" size="1" attachments="{}"/></ModelRoot>', "attachments"),
    ],
)
def test_xml_that_cannot_be_read_is_refused_by_the_attribute(text: str, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        from_xml(text)
    assert caught.value.field == field


def test_the_flat_list_has_a_row_per_volume_and_one_for_what_is_empty() -> None:
    rows = to_list(cloud())
    keys = ("node_host", "pool_name", "volume_uuid")
    assert [tuple(row.get(key) for key in keys) for row in rows] == [
        ("h@b", "h@b#p", "v1"),
        ("h@b", "h@b#q", None),
        ("h@c", None, None),
    ]
    assert rows[0]["volume_bootable"] is False
    assert "pool_total_capacity_gb" not in rows[1]
    assert rows[2]["node_status"] == "disabled"
