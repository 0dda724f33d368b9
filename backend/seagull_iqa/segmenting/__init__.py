"""Engines that turn a click, a box or a scribble into the mask of a region."""
