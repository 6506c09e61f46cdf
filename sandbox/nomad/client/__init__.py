"""The simulated clients on the nodes: tasks start, run, end, get events and health, and write logs."""
