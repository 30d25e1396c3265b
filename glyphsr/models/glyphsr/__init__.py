"""The paper's network: SR branch, prior transformer, glyph perception and glyph fusion."""
