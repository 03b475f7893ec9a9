"""Immutable tables of columns, the types of record fields, and strict reading of values."""
