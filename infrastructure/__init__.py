"""How the outside is spoken to: event log, read models, NATS, OpenStack, datasources, simulator."""
