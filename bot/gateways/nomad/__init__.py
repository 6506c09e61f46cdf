"""Nomad by python-nomad's ``endpoint.request``: the only user of that library (docs/nomad.md, "python-nomad")."""
