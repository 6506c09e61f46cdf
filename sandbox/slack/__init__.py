"""A simulated Slack: the Web API, interactivity and response_url as Slack behaves, held in memory."""
