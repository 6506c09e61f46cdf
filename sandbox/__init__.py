"""A simulated Slack and a simulated Nomad for newcomers, demonstrations and e2e tests; imports none of our code."""
