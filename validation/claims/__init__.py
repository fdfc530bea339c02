"""The claims, one per file: a decorated function is a claim, and a new file needs no other change."""
