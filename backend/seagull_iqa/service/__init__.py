"""The server: HTTP in front of one model worker."""
