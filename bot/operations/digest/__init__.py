"""The daily digest: which dates are due, and what each says."""
