"""The metadata of a server, as openstacksdk and Nova's API reference use it."""

from tests.integration.simulator.clients import IDS, Client

SERVER = IDS["big"]
PATH = f"/compute/v2.1/servers/{SERVER}/metadata"


def test_items_are_added_changed_and_removed(cloud: Client) -> None:
    """A handler that marks servers was refused with 405."""
    server = cloud.sdk.compute.get_server(SERVER)
    cloud.sdk.compute.set_server_metadata(server, owner="ops", tier="gold")
    cloud.sdk.compute.set_server_metadata(server, tier="silver")
    assert cloud.get(PATH)["metadata"] == {"owner": "ops", "tier": "silver"}
    marked = cloud.sdk.compute.get_server(SERVER)
    cloud.sdk.compute.delete_server_metadata(marked, ["owner"])
    assert cloud.get(PATH)["metadata"] == {"tier": "silver"}
    assert cloud.ask("PUT", PATH, body={"metadata": {"a": "1"}}).json() == {"metadata": {"a": "1"}}
    one = cloud.ask("PUT", f"{PATH}/b", body={"meta": {"b": "2"}})
    assert (one.status_code, one.json()) == (200, {"meta": {"b": "2"}})
    assert cloud.get(PATH)["metadata"] == {"a": "1", "b": "2"}
    assert cloud.journal(SERVER)[-1]["method"] == "PUT"


def test_what_nova_refuses_is_refused_and_changes_nothing(cloud: Client) -> None:
    before = cloud.get(PATH)
    too_many = {"metadata": {str(number): "" for number in range(129)}}
    for method, path, body, status in (
        ("POST", PATH, {"metadata": {"a": 1}}, 400),
        ("POST", PATH, {"metadata": {"a": "x" * 256}}, 400),
        ("POST", PATH, {"metadata": ["a"]}, 400),
        ("POST", PATH, too_many, 403),
        ("PUT", f"{PATH}/b", {"meta": {"other": "2"}}, 400),
        ("DELETE", f"{PATH}/nosuch", None, 404),
    ):
        assert cloud.ask(method, path, body=body).status_code == status, body
    assert cloud.get(PATH) == before
