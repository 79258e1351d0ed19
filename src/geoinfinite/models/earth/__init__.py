"""The bundled network of the Earth."""
