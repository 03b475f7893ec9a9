"""Where servers may be placed: hypothetical moves and the rules that allow or refuse them."""
