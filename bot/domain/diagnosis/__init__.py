"""What ``nomatron doctor`` finds, and how to fix it."""
