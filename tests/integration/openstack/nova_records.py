"""Records as Nova's API lists them."""

from typing import Any

Json = dict[str, Any]


def hypervisor(name: str, **more: object) -> Json:
    """A hypervisor as Nova lists it."""
    return {
        "id": f"id-{name}",
        "hypervisor_hostname": f"{name}.example.org",
        "hypervisor_type": "QEMU",
        "state": "up",
        "status": "enabled",
        "service": {"id": f"svc-{name}", "host": name, "disabled_reason": None},
        **more,
    }


def service(host: str, **more: object) -> Json:
    """A nova-compute service as Nova lists it."""
    known = {"id": f"svc-{host}", "binary": "nova-compute", "host": host, "zone": "az-1"}
    return {**known, "status": "enabled", "state": "up", "disabled_reason": None, **more}


def server(server_id: str, host: str | None, **more: object) -> Json:
    """A server as Nova lists it, on a host or on none."""
    return {
        "id": server_id,
        "name": f"name-{server_id}",
        "status": "ACTIVE",
        "tenant_id": "project",
        "created": "2026-01-01T00:00:00Z",
        "metadata": {"role": "web"},
        "image": {"id": "image"},
        "locked": False,
        "pinned_availability_zone": None,
        "flavor": {
            "original_name": "m1",
            "vcpus": 2,
            "ram": 4096,
            "disk": 20,
            "ephemeral": 5,
            "swap": 1,
            "extra_specs": {"hw:cpu_policy": "shared"},
        },
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": f"{host}.example.org" if host else None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:task_state": None,
        "OS-EXT-AZ:availability_zone": "az-1",
        **more,
    }
