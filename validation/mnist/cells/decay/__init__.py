"""The cells of ``weight_decay``, in a folder of their own: what they are does not touch what others have run."""
