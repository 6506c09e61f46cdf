"""The forms of a job that are compared, and what Nomad adds to a stored one."""
