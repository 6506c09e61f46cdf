"""Operations on jobs: register, stop, revert, scale, tag and dispatch; and the submissions of their versions."""
