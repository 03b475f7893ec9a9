"""The placement rules, one family per module."""
