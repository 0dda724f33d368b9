"""The nouns: frozen dataclasses over numpy; no files, no network, no torch."""
