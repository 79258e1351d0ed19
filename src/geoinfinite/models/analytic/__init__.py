"""Models without weights, whose denoisers are known in closed form."""
