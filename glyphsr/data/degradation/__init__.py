"""Makes low resolution out of high resolution, picture by picture or in batches."""
