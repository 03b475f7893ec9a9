"""The placement rules of docs/constraints.md against the verdicts of a real Nova scheduler."""
