"""Checkpoint files: format number, safe loading, key renaming, bundled weights."""
