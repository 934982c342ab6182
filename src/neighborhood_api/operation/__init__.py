"""Whether the product is well, for those who run it."""
