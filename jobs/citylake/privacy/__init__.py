"""What is nobody's business: tokens, masks, counts that are withheld, roles at the store."""
