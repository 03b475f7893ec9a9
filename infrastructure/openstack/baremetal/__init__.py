"""The service that manages bare-metal nodes: Ironic or MAAS."""
