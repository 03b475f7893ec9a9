"""What strategies cost and how good their plans are: alone, and beside the original's."""
