"""How a model learns, and how we say how good it is."""
