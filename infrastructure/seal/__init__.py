"""Keys and anchors of the seal."""
