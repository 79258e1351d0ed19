"""Published systems: one folder each, found by being here, or by an entry point of the group `GROUP`."""
