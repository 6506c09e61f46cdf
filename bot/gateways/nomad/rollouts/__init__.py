"""What Nomad says about rollouts: its deployments, allocations and logs."""
