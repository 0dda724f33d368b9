"""Region-level image quality: the model, the server, the client and the command line behind napari-seagull."""
