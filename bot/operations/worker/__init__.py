"""The worker's steps: plan, recheck, dispatch, register, follow, offer, expire."""
