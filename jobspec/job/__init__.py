"""Decodes blocks and values into a job in the JSON form of Nomad's HTTP API, and fills in defaults."""
