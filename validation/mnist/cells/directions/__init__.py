"""The cells of ``flat_directions``, in a folder of their own: what they are does not touch what others have run."""
