"""What a checkpoint's ``scheduler_config.json`` says of noise levels, timesteps and solvers."""
