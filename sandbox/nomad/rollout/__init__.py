"""Deployments: count health, react to it, and promote, fail, pause or resume them."""
