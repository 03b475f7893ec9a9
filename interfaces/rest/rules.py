"""The policy rules. Their names are part of the API (docs/api.md, "Policy")."""

from dataclasses import dataclass

ADMIN = frozenset({"admin", "administrator"})
ADMIN_OR_SERVICE = ADMIN | {"service"}


@dataclass(frozen=True)
class Rule:
    """A policy rule.

    Attributes:
        name: ``resource:operation``.
        operation: method and path, for the generated policy documentation.
        roles: each of them is allowed by default.
    """

    name: str
    operation: str
    roles: frozenset[str] = ADMIN


def _crud(resource: str, path: str, *extra: str) -> list[Rule]:
    operations = {
        "get_all": f"GET /v1/{path}",
        "detail": f"GET /v1/{path}/detail",
        "get": f"GET /v1/{path}/{{id}}",
        "create": f"POST /v1/{path}",
        "update": f"PATCH /v1/{path}/{{id}}",
        "delete": f"DELETE /v1/{path}/{{id}}",
        "events": f"GET /v1/{path}/{{id}}/events",
        "start": f"POST /v1/{path}/{{id}}/start",
        "return": f"POST /v1/{path}/{{id}}/return",
        "state": f"GET /v1/{path}/{{id}}/state",
    }
    return [
        Rule(f"{resource}:{name}", operations[name])
        for name in ("get_all", "detail", "get", *extra)
    ]


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in [
        *_crud("goal", "goals"),
        *_crud("strategy", "strategies", "state"),
        *_crud("audit_template", "audit_templates", "create", "update", "delete"),
        *_crud("audit", "audits", "create", "update", "delete", "events"),
        *_crud("action_plan", "action_plans", "update", "delete", "start", "return", "events"),
        Rule("action_plan:actions", "GET /v1/action_plans/{id}/actions"),
        Rule("action_plan:explanation", "GET /v1/action_plans/{id}/explanation"),
        Rule("action_plan:estimate", "GET /v1/action_plans/{id}/estimate"),
        *_crud("action", "actions", "update", "events"),
        *_crud("service", "services"),
        *_crud("scoring_engine", "scoring_engines"),
        Rule("overview:get", "GET /v1/overview"),
        Rule("actuation:get", "GET /v1/actuation"),
        Rule("actuation:update", "PUT /v1/actuation"),
        Rule("data_model:get_all", "GET /v1/data_model"),
        Rule("event:get_all", "GET /v1/events"),
        Rule("event:stream", "GET /v1/events/stream"),
        Rule("host:get_all", "GET /v1/hosts"),
        Rule("host:get", "GET /v1/hosts/{name}"),
        Rule("server:get_all", "GET /v1/servers"),
        Rule("server:get", "GET /v1/servers/{id}"),
        Rule("server:decisions", "GET /v1/servers/{id}/decisions"),
        Rule("host:decisions", "GET /v1/hosts/{name}/decisions"),
        Rule("run:verification", "GET /v1/runs/{id}/verification"),
        Rule("run:whatif", "POST /v1/runs/{id}/whatif"),
        Rule("webhook:trigger", "POST /v1/webhooks/{audit}", ADMIN_OR_SERVICE),
    ]
}
