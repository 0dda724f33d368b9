"""A tree of nested regions of one image: leaves, merged two by two until one region is the whole image."""
