"""A real Nomad agent in place of the simulated one: calls to it, its state for the page, and the cleanup at the end."""
