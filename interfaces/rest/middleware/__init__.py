"""What happens to every request: path, identity, microversion, policy, logging."""
