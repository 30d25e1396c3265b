"""The command ``eval``: methods, metrics and reports."""
