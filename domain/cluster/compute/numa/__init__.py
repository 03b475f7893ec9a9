"""NUMA cells of hosts and servers as arrays."""
