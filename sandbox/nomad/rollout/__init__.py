"""Deployments: counting health, reacting to it, and what people may do to them."""
