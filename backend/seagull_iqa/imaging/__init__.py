"""Arrays in, arrays out: numpy, Pillow and scikit-image."""
