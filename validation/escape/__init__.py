"""What the claims about escape and occupancy share."""
