"""The simulated Ironic: bare-metal nodes, read-only."""
