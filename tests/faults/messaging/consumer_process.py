"""A consumer in a process of its own, for tests that kill it: says what it got, and then hangs.

Arguments: server URL, durable name, topic, acknowledgement wait. The token comes on standard input.
"""

import asyncio
import sys

from application.ports.bus import Hint
from infrastructure.messaging import NatsBus, NatsConnectionSettings


async def _hang(hint: Hint) -> None:
    print(hint.position, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Consumes until killed."""
    url, name, topic, ack_wait = sys.argv[1:5]
    nats = NatsConnectionSettings(servers=(url,), token=sys.stdin.readline().strip())
    asyncio.run(NatsBus(nats, ack_wait=float(ack_wait)).consume(name, (topic,), _hang))


if __name__ == "__main__":
    main()
