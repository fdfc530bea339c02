"""The cells of ``adaptive_network``, in a folder of their own: what they are does not touch what others have run."""
