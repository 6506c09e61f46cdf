"""A simulated Slack and a simulated Nomad for newcomers, demonstrations and e2e tests.

Imports `jobspec` and nothing else of the project: it talks to the bot over HTTP, as the real Slack and Nomad do.
"""
