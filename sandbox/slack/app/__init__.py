"""The connection to the app: sends commands, clicks and events, and serves response_urls and uploads."""
