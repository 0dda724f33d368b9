"""Arrays in, arrays out: numpy, scipy, Pillow and tifffile."""
