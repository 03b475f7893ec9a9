"""The floor of the REST benchmark: the least that Falcon on gunicorn can do."""

import falcon


class Hello:
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"hello": "world"}


def create() -> "falcon.App[falcon.Request, falcon.Response]":
    """The application; gunicorn calls this in each worker."""
    app = falcon.App()
    app.add_route("/", Hello())
    return app
