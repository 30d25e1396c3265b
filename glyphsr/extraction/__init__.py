"""The command ``extract``: glyph masks of single images and of data sets."""
