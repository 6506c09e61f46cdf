"""What Nomatron remembers: the only package that knows SQL."""
