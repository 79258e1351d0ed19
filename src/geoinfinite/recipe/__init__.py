"""What decides a pixel: the frozen recipe of a world, its parts, and its file."""
