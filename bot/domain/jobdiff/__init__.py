"""What differs between two jobs, and what it does to allocations."""
