"""A real Nomad agent in the simulated one's place: what the sandbox asks of it, shows of it and leaves on it."""
