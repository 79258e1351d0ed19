"""A window as one file: GeoTIFF, PNG, archives of map tiles; and the STAC item that describes it."""
