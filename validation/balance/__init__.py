"""What the claim about the law of balance is made of."""
