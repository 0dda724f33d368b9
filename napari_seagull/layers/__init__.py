"""Between napari layers and image pixels: shapes and labels in, prepared images and map layers; no Qt."""
