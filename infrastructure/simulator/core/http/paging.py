"""Pages of lists."""

import falcon

from infrastructure.simulator.core.errors import BadRequest
from infrastructure.simulator.core.http.calls import query

LARGEST = 1000


def page_size(req: falcon.Request) -> int:
    """How many items a page may have: what is asked for, up to 1000.

    Raises:
        BadRequest: `limit` is not a number that Nova takes.
    """
    asked = query(req).get("limit")
    if asked is None:
        return LARGEST
    if not asked.isdecimal():
        raise BadRequest(f"Invalid input for query parameters limit. Value: {asked}.")
    return min(int(asked), LARGEST) or LARGEST
