"""Sealing: signed hashes of the event log, by which later changes of it are found (ADR 0026)."""
