"""Pages and answers over HTTP for people and machines other than Slack."""
