"""SEAGULL in napari: draw a region and see how good it is."""
