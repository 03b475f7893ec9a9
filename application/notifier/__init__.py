"""Versioned notifications of what happens in Vigil, derived from the event log."""
