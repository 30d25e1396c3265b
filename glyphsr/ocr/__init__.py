"""OCR engines that this project did not train, as independent judges; both come with the ocr extra."""
