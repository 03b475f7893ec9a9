"""The `vigil` command: a module per command, imported only when the command runs."""
