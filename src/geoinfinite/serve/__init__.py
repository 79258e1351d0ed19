"""A world or a store on a map in the browser: map tiles drawn on demand, and the page that shows them."""
