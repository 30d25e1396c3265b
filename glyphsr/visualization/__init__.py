"""The command ``visualize``."""
