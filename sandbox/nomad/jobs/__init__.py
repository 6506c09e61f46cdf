"""What is done to jobs: register, stop, revert, scale, tag, dispatch; and the submissions kept with their versions."""
