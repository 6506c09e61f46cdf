"""A simulated Nomad with HTTP API, state and scheduler, small enough to run beside the bot."""
