"""The scoring engines of the product: examples for authors of strategies."""
