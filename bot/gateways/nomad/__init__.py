"""Talks to Nomad through python-nomad's public ``endpoint.request``; nothing else uses that library."""
