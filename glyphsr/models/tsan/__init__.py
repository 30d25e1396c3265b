"""TSAN (Zhu et al., AAAI 2023): attention to strokes through the picture's gradient."""
