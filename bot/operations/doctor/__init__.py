"""``nomatron doctor``: look at a real set-up and say what is wrong with it. Looking changes nothing."""
