"""A simulated Nomad: its HTTP API, state and scheduler, small enough to run beside the bot."""
