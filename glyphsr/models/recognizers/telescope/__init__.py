"""The transformer recognizer of Scene Text Telescope."""
