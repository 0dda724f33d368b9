"""Distortions of known strength, their labels, and photographs to apply them to."""
