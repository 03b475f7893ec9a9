"""A consumer in a process of its own, for tests that kill it: says what it got, and then hangs.

Arguments: server URL, durable name, topic, acknowledgement wait. The token comes on standard input.
"""

import asyncio
import sys

from application.ports.bus import Hint
from infrastructure.messaging import ConsumerSettings, NatsBus, NatsConnectionSettings


async def _hang(hint: Hint) -> None:
    print(hint.position, hint.deliveries, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Consumes until killed."""
    url, name, topic, ack_wait = sys.argv[1:5]
    nats = NatsConnectionSettings(servers=(url,), token=sys.stdin.readline().strip())
    settings = ConsumerSettings(slots=1, ack_wait=float(ack_wait), heartbeat=float(ack_wait) / 4)
    asyncio.run(NatsBus(nats, consumers=settings).consume(name, (topic,), _hang))


if __name__ == "__main__":
    main()
