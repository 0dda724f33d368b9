"""One widget a file: knows domain nouns and Qt, emits what was wished."""
