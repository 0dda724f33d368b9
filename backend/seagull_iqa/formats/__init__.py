"""What people made, in files: the session's own, its journal, and the formats that other programs read."""
