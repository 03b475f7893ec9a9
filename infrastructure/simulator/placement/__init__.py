"""The simulated Placement: resource providers and allocations."""
