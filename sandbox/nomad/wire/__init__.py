"""The HTTP API: Nomad's paths, statuses, headers and texts, and the sandbox's own control paths beside them."""
