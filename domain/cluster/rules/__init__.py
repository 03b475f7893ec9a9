"""The placement rules, one idea per file. ``domain.cluster.constraints`` puts them together."""
