"""Arrays seen as pictures and map tiles, in any coordinate reference system."""
