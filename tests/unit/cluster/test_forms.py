"""The XML form, the flat list and the portable form."""

import re

import numpy as np
import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.listing import to_list
from domain.cluster.formats.portable import read_portable
from domain.cluster.formats.xml import from_xml, to_xml
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.rules.groups import GROUP_ANTI_AFFINITY
from domain.kernel.errors import InvalidValue
from tests.unit.cluster.build import host, model, server


def cloud() -> ComputeModel:
    built = model(
        [host(1, status="disabled", disabled_reason="kept"), host(0, cpu_ratio=4.0)],
        [
            server(0, 0, metadata={"a": 'b"c'}, extra_specs={"hw:x": "1"}, pinned_zone="az"),
            server(1, 0, locked=True, state="stopped", created_at="2026-01-01 00:00:00+00:00"),
            server(2, None, project_id="p"),
        ],
    )
    return built.restrict(np.array([True, True]), ["s1"])


def test_what_is_written_as_xml_reads_back_the_same() -> None:
    text = to_xml(cloud())
    again, quarantined = from_xml(text)
    assert quarantined == ()
    assert to_xml(again) == text
    assert again.servers.locked.tolist() == [False, True]
    assert again.servers.excluded.tolist() == [False, True]
    assert again.servers.metadata[0] == {"a": 'b"c'}
    assert again.hosts.disabled_reason[1] == "kept"
    assert again.hosts.disabled_reason[0] is None
    assert again.unplaced.id == ("s2",)


def test_xml_elements_nest_and_carry_the_established_attributes() -> None:
    text = to_xml(model([host(0)], [server(0, 0)]))
    assert text.startswith(
        '<ModelRoot>\n  <ComputeNode hostname="c0" status="enabled" disabled_reason="None" '
        'state="up" memory="65536" memory_mb_reserved="0" disk="2000" disk_gb_reserved="0" '
        'vcpus="16" vcpu_reserved="0" memory_ratio="1.0" vcpu_ratio="1.0" disk_ratio="1.0" '
        'uuid="h0">\n    <Instance watcher_exclude="False" name="vm0" state="active" '
    )


def test_unknown_xml_attributes_are_ignored_and_missing_ones_take_defaults() -> None:
    text = '<ModelRoot><ComputeNode uuid="h" hostname="c" id="7" vcpus="4"/></ModelRoot>'
    built, _ = from_xml(text)
    assert built.hosts.vcpus.tolist() == [4]
    assert built.hosts.state[0] == "up"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("<ModelRoot>", "xml"),
        ('<ModelRoot><ComputeNode hostname="c"/></ModelRoot>', "uuid"),
        ('<ModelRoot><ComputeNode uuid="h" hostname="c" vcpus="x"/></ModelRoot>', "vcpus"),
        ('<ModelRoot><Instance uuid="s" metadata="{\'a\': 1}"/></ModelRoot>', "metadata"),
        ('<ModelRoot><Instance uuid="s" metadata="[]"/></ModelRoot>', "metadata"),
        ('<ModelRoot><Instance uuid="s" locked="no"/></ModelRoot>', "locked"),
        (f'<ModelRoot><Instance uuid="s" metadata="{"[" * 100_000}"/></ModelRoot>', "metadata"),
    ],
)
def test_xml_that_cannot_be_read_is_refused_by_the_attribute(text: str, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        from_xml(text)
    assert caught.value.field == field


@pytest.mark.parametrize("value", ["x", "[1]", "None", ""])
def test_an_attribute_that_is_no_json_object_is_refused_as_such(value: str) -> None:
    text = f'<ModelRoot><Instance uuid="s" flavor_extra_specs="{value}"/></ModelRoot>'
    with pytest.raises(InvalidValue, match=f"must be a JSON object, not '{re.escape(value)}'"):
        from_xml(text)


def test_what_xml_cannot_hold_is_replaced_and_the_rest_reads_back() -> None:
    """A service disabled with a reason that was pasted from a terminal, colours and all, made a
    document that no parser takes."""
    odd = host(0, status="disabled", disabled_reason="\x1b[31mbroken\x1b[0m fan\n\ufffe")
    built = model([odd], [server(0, 0, metadata={"k\x00": "\x07"}, created_at="\ud800")])
    back, quarantined = from_xml(to_xml(built))
    assert quarantined == ()
    assert back.hosts.disabled_reason[0] == "\ufffd[31mbroken\ufffd[0m fan\n\ufffd"
    assert back.servers.metadata[0] == {"k\x00": "\x07"}


def test_a_server_on_no_host_that_is_excluded_reads_back_excluded() -> None:
    """The writer wrote the flag, the reader ignored it."""
    text = '<ModelRoot><Instance uuid="s" watcher_exclude="True"/></ModelRoot>'
    built, _ = from_xml(text)
    assert built.unplaced.excluded.tolist() == [True]
    assert from_xml(to_xml(built))[0].to_columns() == built.to_columns()


def test_the_flat_list_has_a_row_per_host_and_server_and_one_for_an_empty_host() -> None:
    rows = to_list(cloud())
    assert [(row["node_uuid"], row.get("server_uuid")) for row in rows] == [
        ("h0", "s0"),
        ("h0", "s1"),
        ("h1", None),
    ]
    assert rows[0]["server_pinned_az"] == "az"
    assert rows[1]["server_pinned_az"] == ""
    assert rows[1]["server_watcher_exclude"] is True
    assert rows[2]["node_disabled_reason"] == "kept"


def test_the_portable_form_gives_rows_and_metrics_in_their_units() -> None:
    cluster = read_portable(
        {
            "hosts": [{"id": "h", "name": "c", "vcpus": 8, "ram_mb": 1024, "ram_used_mb": 2}],
            "instances": [
                {"id": "s", "host": "h", "vcpus": 1, "ram_mb": 512, "cpu_util_pct": 0.0},
                {"id": "t", "host": "c", "vcpus": 1, "ram_mb": 512, "project": "p"},
            ],
            "groups": [{"id": "g", "policy": "affinity", "members": ["s", "t"]}],
        }
    )
    assert [row.host for row in cluster.servers] == ["c", "c"]
    assert cluster.servers[1].project_id == "p"
    assert cluster.hosts[0].memory_mb == 1024
    assert cluster.groups[0].members == ("s", "t")
    assert cluster.metrics["host_ram_usage"] == {"h": 2048.0}
    assert cluster.metrics["instance_cpu_usage"] == {"s": 0.0}


def test_the_portable_form_names_the_record_that_lacks_something() -> None:
    with pytest.raises(InvalidValue, match=r"^hosts\[1\]: lacks a field"):
        read_portable({"hosts": [{"id": "h", "name": "c"}, {"id": "x"}]})
    with pytest.raises(InvalidValue, match=r"^hosts: must be a list of objects"):
        read_portable({"hosts": {}})


def test_a_group_policy_is_understood_with_an_underscore_and_in_capitals() -> None:
    """The policy ``anti_affinity`` was no rule at all: a plan put both members on one host."""
    host = {"vcpus": 8, "ram_mb": 1024, "state": "UP", "status": "Enabled"}
    server = {"vcpus": 1, "ram_mb": 128, "host": "a", "state": "ACTIVE", "status": "active"}
    cluster = read_portable(
        {
            "hosts": [{"id": name, "name": name, **host} for name in "ab"],
            "instances": [
                {"id": "s", **server},
                {"id": "t", **server, "host": "b", "state": "SHUTOFF"},
            ],
            "groups": [{"id": "g", "policy": "Anti_Affinity", "members": ["s", "t"]}],
        }
    )
    model, quarantined = ComputeModel.build(cluster.hosts, cluster.servers, cluster.groups)
    assert not quarantined
    assert [row.state for row in cluster.servers] == ["active", "stopped"]
    refused = Constraints(model).why_not(Branch(model), 0, 1)
    assert [because.reason for because in refused] == [GROUP_ANTI_AFFINITY]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"groups": [{"id": "g", "policy": "antiaffinity"}]}, r"groups\[0\]\.policy"),
        ({"hosts": [{"id": "h", "name": "h", "state": "running"}]}, r"hosts\[0\]\.state"),
        ({"hosts": [{"id": "h", "name": "h", "status": "on"}]}, r"hosts\[0\]\.status"),
        ({"instances": [{"id": "s", "state": "actve"}]}, r"instances\[0\]\.state"),
        ({"instances": [{"id": "s", "status": "VERIFY"}]}, r"instances\[0\]\.status"),
    ],
)
def test_a_word_that_is_none_of_a_closed_list_is_refused_by_its_place(
    data: dict[str, object], place: str
) -> None:
    with pytest.raises(InvalidValue, match=f"^{place}: must be one of "):
        read_portable(data)
