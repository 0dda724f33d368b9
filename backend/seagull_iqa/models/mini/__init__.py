"""seagull-mini: SEAGULL's shape (arXiv 2411.10161) at laptop size, one network part a file."""
