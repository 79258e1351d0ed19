"""How a store is drawn: its tasks, their order, what one of them does, and how a job runs."""
