"""Which files are taken for pictures."""

SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
"""File name endings we read from folders and write, with PIL's names of their formats."""

READ_ONLY = (".heic", ".heif", ".avif", ".gif", ".jfif", ".jpe", ".pbm", ".pgm", ".ppm", ".pnm", ".dib", ".mpo")
"""Endings of pictures that ``upscale`` reads and does not write."""

DOCUMENTS = (".pdf", ".tif", ".tiff")
"""Endings of files that may hold several pages."""

INPUTS = frozenset({*SUFFIXES, *READ_ONLY, ".pdf"})
"""Endings of what ``upscale`` takes from folders."""
