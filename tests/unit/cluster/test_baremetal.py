"""The bare-metal model, its forms and its scope."""

import json
from typing import Any

import pytest

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.baremetal.records import BaremetalNodeRow
from domain.cluster.formats.baremetal import from_xml, to_list, to_xml
from domain.cluster.scope.baremetal import parse_baremetal_scope
from domain.cluster.scope.reasons import BAREMETAL_EMPTY
from domain.kernel.errors import InvalidValue


def node(number: int, **changes: Any) -> BaremetalNodeRow:
    """n<number>: on, in service, below hypervisor h<number>."""
    usual: dict[str, Any] = {
        "name": f"name-{number}",
        "power_state": "power on",
        "maintenance": False,
        "extra": {"compute_node_id": f"h{number}"},
    }
    return BaremetalNodeRow(id=f"n{number}", **{**usual, **changes})


def built(*rows: BaremetalNodeRow) -> BaremetalModel:
    """A model of what is all usable."""
    model, quarantined = BaremetalModel.build(rows)
    assert quarantined == ()
    return model


@pytest.mark.parametrize(
    ("written", "truth"),
    [(False, False), ("False", False), ("false", False), (True, True), ("true", True)],
)
def test_maintenance_is_a_truth_also_when_it_is_text(written: Any, truth: bool) -> None:
    """Defect of the ancestor: the text "False" became true."""
    assert built(node(1, maintenance=written)).nodes.maintenance.tolist() == [truth]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"maintenance": None}, "maintenance"),
        ({"maintenance": "maybe"}, "maintenance"),
        ({"extra": ["compute_node_id"]}, "extra"),
        ({"properties": "big"}, "properties"),
    ],
)
def test_a_senseless_machine_is_quarantined_and_the_others_are_used(
    changes: dict[str, Any], field: str
) -> None:
    model, quarantined = BaremetalModel.build([node(2, **changes), node(1), node(1)])
    assert model.nodes.id == ("n1",)
    assert [(q.id, q.because.facts["field"]) for q in quarantined] == [("n2", field), ("n1", "id")]


def test_the_hypervisor_of_a_machine_is_found_from_its_free_data() -> None:
    """Defect of the ancestor: it read a member of a map as if it were an attribute."""
    model = built(node(2), node(1, extra={"compute_node_id": 7}), node(3, extra={}))
    assert model.nodes.compute_node == ("7", "h2", None)
    assert model.by_compute_node == {"7": 0, "h2": 1}


def test_only_what_is_known_to_be_on_is_powered() -> None:
    model = built(node(1), node(2, power_state="power off"), node(3, power_state=""))
    assert model.powered.tolist() == [True, False, False]


def test_a_model_survives_its_json_form_and_ignores_the_order_of_listing() -> None:
    rows = [node(1, properties={"b": {"y": 1, "x": [1, {}]}, "a": None}), node(2, instance_id="i")]
    same = [node(2, instance_id="i"), node(1, properties={"a": None, "b": {"x": [1, {}], "y": 1}})]
    form = built(*rows).to_columns()
    again = BaremetalModel.from_columns(json.loads(json.dumps(form)))
    assert json.dumps(again.to_columns()) == json.dumps(form)
    assert json.dumps(built(*same).to_columns()) == json.dumps(form)
    assert again.node_places == {"n1": 0, "n2": 1}


def test_what_is_written_as_xml_reads_back_the_same() -> None:
    model = built(node(2), node(1, maintenance=True, maintenance_reason="fan", extra={"x": [1]}))
    text = to_xml(model)
    assert text.splitlines()[1].strip() == (
        '<IronicNode power_state="power on" maintenance="True" maintenance_reason="fan" '
        'extra="{&quot;x&quot;: [1]}" uuid="n1" human_id="name-1" />'
    )
    again, quarantined = from_xml(text)
    assert quarantined == ()
    assert to_xml(again) == text
    assert again.nodes.maintenance.tolist() == [True, False]
    assert again.nodes.maintenance_reason[1] is None


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ("", "uuid"),
        ('uuid="n" maintenance="x"', "maintenance"),
        ('uuid="n" extra="{\'a\': 1}"', "extra"),
    ],
)
def test_xml_that_cannot_be_read_is_refused_by_the_attribute(attributes: str, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        from_xml(f"<ModelRoot><IronicNode {attributes}/></ModelRoot>")
    assert caught.value.field == field


def test_the_flat_list_has_a_row_per_machine() -> None:
    rows = to_list(built(node(2), node(1)))
    assert [row["node_uuid"] for row in rows] == ["n1", "n2"]
    assert rows[0]["node_extra"] == {"compute_node_id": "h1"}
    assert rows[0]["node_maintenance"] is False


def scoped(*identities: str) -> Any:
    """A scope that takes machines out."""
    nodes = [{"uuid": identity} for identity in identities]
    return [{"compute": []}, {"baremetal": [{"exclude": [{"ironic_nodes": nodes}]}]}]


def test_excluded_machines_go_and_unknown_ones_are_noted() -> None:
    model, selection = parse_baremetal_scope(scoped("n1", "nx")).apply(built(node(1), node(2)))
    assert model.nodes.id == ("n2",)
    assert [note.facts["name"] for note in selection.notes] == ["nx"]


def test_a_scope_that_selects_no_machine_says_so() -> None:
    _, selection = parse_baremetal_scope(scoped("n1")).apply(built(node(1)))
    assert [note.reason for note in selection.notes] == [BAREMETAL_EMPTY]


@pytest.mark.parametrize("scope", [None, [], [{"compute": []}], [{"availability_zones": []}]])
def test_without_rules_every_machine_is_selected(scope: object) -> None:
    model, selection = parse_baremetal_scope(scope).apply(built(node(1), node(2)))
    assert model.nodes.id == ("n1", "n2")
    assert selection.notes == ()


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"include": []}, "scope[0].baremetal[0].include"),
        ({"exclude": [{"nodes": []}]}, "scope[0].baremetal[0].exclude[0].nodes"),
        (
            {"exclude": [{"ironic_nodes": [{"name": "x"}]}]},
            "scope[0].baremetal[0].exclude[0].ironic_nodes[0].name",
        ),
    ],
)
def test_what_is_wrong_with_a_scope_is_named_by_its_place(rule: object, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_baremetal_scope([{"baremetal": [rule]}])
    assert caught.value.field == field
