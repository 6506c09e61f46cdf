"""From the simulated Slack to the app: commands, clicks and events sent, response_urls answered."""
