"""What the worker does by itself: plan, dispatch, register, follow, look again, expire."""
