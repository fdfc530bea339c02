"""The cells of ``gradient_normality``, in a folder of their own: what they are does not touch what others have run."""
