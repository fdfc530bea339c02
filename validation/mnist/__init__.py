"""What the claims on images share: where images come from, the cells of their sweeps, and a room for each."""
