"""What Nomad says to a job before it takes it: defaults it implies, errors, warnings."""
