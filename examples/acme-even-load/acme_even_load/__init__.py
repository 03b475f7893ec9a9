"""Evens out the CPU load of hosts, and can lock the servers that were moved."""
