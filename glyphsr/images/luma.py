"""How bright a colour is."""

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""``(3,)``: fractions of red, green and blue in brightness (ITU-R BT.601)."""
