"""Image files and pixels: reading, writing, resizing, tiling, rectifying, text boxes."""
