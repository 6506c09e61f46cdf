"""The verbs of ``/deploy``: one entry each, in the table of ``handlers.slack.verbs.table``."""
