"""The simulated Keystone: tokens, catalogue, lists of what exists."""
