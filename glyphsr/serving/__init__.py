"""The HTTP service and the demo page; their packages come with the extras ``serve`` and ``demo``."""
