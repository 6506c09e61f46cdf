"""A simulated Slack in memory: the Web API, interactivity and response_urls behave as Slack's do."""
