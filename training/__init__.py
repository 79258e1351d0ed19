"""Training of the bundled network "earth-small": one command, `python -m training`."""
