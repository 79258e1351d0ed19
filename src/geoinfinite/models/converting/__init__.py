"""Published checkpoints become folders of safetensors, once: names, layouts and shapes, and no system."""
