"""Models that can be had by name: what there is, what it costs, and how it gets here."""
