"""What diffusion models have in common: noise by position, denoisers, and the protocol of a model."""
