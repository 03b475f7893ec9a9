"""Handlers of actions on volumes."""
