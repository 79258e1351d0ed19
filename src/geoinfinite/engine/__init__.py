"""From a recipe to pixels: resolved levels, their layers, what they cost, and how they are drawn."""
