"""Validates Block Kit as Slack does: tables of limits and shapes, and checks that report every problem."""
