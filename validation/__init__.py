"""The main job: every claim of theory, measured with error bars. Run it with ``python -m validation``."""
