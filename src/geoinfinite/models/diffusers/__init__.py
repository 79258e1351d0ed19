"""Checkpoints in the format of diffusers."""
