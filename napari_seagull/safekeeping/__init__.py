"""What the session knows, on the disk: its journal, its side-car, where they lie and who writes them; no Qt."""
