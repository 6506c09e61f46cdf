"""Rows of deploys: the deploy, its approvals, plans, rollouts, claims and locks."""
