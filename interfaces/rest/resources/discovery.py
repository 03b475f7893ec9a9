"""The root and index documents (docs/api.md, "Root and index")."""

import falcon

from interfaces.rest import media, versions
from interfaces.rest.call import call_of
from interfaces.rest.resources.base import BaseResource
from interfaces.rest.schemas import documents
from interfaces.rest.schemas.common import Link

INDEXED = {
    "audit_templates": 0,
    "audits": 0,
    "data_model": 3,
    "actions": 0,
    "action_plans": 0,
    "scoring_engines": 0,
    "services": 0,
    "webhooks": 4,
}
"""Entries of the index → the first minor version with it. Goals and strategies are not listed."""


class RootResource(BaseResource):
    """``/``."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The versions of the API."""
        version = documents.VersionDocument(
            id="v1",
            status="CURRENT",
            min_version=f"1.{versions.LOWEST}",
            max_version=f"1.{versions.HIGHEST}",
            links=[Link(f"{self.application(req)}/v1/", "self")],
        )
        root = documents.RootDocument(
            name="Vigil API",
            description="Optimises OpenStack clouds; compatible with infra-optim v1.",
            versions=[version],
            default_version=version,
        )
        media.reply(resp, root)


class V1Resource(BaseResource):
    """``/v1``."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The resources of version 1."""
        app, call = self.application(req), call_of(req)
        kind = "application/vnd.openstack.watcher.v1+json"
        document = documents.IndexDocument(
            id="v1",
            media_types=[documents.MediaType(base=media.JSON, type=kind)],
            links=[
                Link(f"{app}/v1/", "self"),
                Link(self.api.settings.documentation, "describedby", "text/html"),
            ],
        )
        for name, since in INDEXED.items():
            if call.at_least(since):
                links = [Link(f"{app}/v1/{name}/", "self"), Link(f"{app}/{name}/", "bookmark")]
                setattr(document, name, links)
        media.reply(resp, document)
