"""The placement rules, one per file; ``placement.constraints`` combines them."""
