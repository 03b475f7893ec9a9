from collections.abc import Mapping


def action_target(parameters: Mapping[str, object]) -> str:
    """The resource of an action and its change, as short text."""
    name = parameters.get("resource_name") or parameters.get("resource_id") or "-"
    source, destination = parameters.get("source_node"), parameters.get("destination_node")
    if source and destination:
        return f"{name}: {source} -> {destination}"
    return f"{name}: {parameters['state']}" if "state" in parameters else str(name)
