"""What people do with a deploy, one file for each act, and the one way to change its state."""
