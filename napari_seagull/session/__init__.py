"""What the user has on the table: image, regions, reports, selection, maps; changed only by commands, and no Qt."""
