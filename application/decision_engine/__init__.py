"""The decision engine: turns a requested run of an audit into a published action plan."""
