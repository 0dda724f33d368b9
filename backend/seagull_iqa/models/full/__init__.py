"""SEAGULL-7B, loaded from the public checkpoint: the same numbers as the original, without its repeated work."""
