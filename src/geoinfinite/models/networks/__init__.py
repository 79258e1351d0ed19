"""Small networks of published systems that diffusers has no class for, from their published tensors."""
