"""The server that scores: started on this machine or met on another, watched, and stopped; no Qt."""
