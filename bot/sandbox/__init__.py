"""A simulated Slack and a simulated Nomad for newcomers, demonstrations and end-to-end tests; imports none of our code."""
