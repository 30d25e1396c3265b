"""The command ``upscale``: arrays, lines, pages and files."""
