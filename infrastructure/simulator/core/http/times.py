"""Times that clients send."""

from datetime import UTC, datetime

from infrastructure.simulator.core.errors import BadRequest


def parsed(text: str) -> float:
    """Seconds since the epoch; a time without a zone is UTC.

    Raises:
        BadRequest: it is not an ISO 8601 time.
    """
    try:
        # a "+" in a query that was not encoded arrives as a blank
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise BadRequest(f"Invalid time: {text}") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
