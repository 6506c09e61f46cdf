"""Nomad by python-nomad's public ``endpoint.request``: the only user of that library (nomad.md section 2)."""
