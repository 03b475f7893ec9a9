"""Why a collected model is absent, or could not be amended."""

from domain.kernel.reasons import Reason

SERVICE_ABSENT = Reason("service-absent", "The cloud's catalogue has no {service} service.")
PIN_UNKNOWN = Reason(
    "pin-unknown",
    "no notification says whether server {server} is pinned to a zone",
)
TYPE_UNKNOWN = Reason("type-unknown", "volume {volume} has type {type}, which is not in the model")
NEEDS_COLLECTION = Reason(
    "needs-collection",
    "{event} changed data that only a full collection can read",
)
