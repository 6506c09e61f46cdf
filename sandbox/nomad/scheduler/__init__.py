"""The scheduler: what a job wants, what runs, and the difference; where allocations fit; and the dry run of a plan."""
