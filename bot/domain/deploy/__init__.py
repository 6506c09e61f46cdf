"""The deploy: its states, gates, approvals, plan, dispatch, rollout and message."""
