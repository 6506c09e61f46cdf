"""From blocks and values to Nomad's job as its HTTP API writes it."""
