"""Handlers of actions on bare-metal nodes."""
