"""Output on terminals: the screen of `vigil status`, replay, and the words they share."""
