"""The composition root: settings become gateways, a store and the ports; only ``bot.__main__`` imports it."""
