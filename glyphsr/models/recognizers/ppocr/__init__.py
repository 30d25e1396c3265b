"""PP-OCR's small line recognizer: a light convolutional backbone, an SVTR neck, CTC."""
