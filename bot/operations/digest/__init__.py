"""The daily digest: which dates are due, and the content of each."""
