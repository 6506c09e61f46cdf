"""The text of ``/deploy``: lexer, parser, and the commands it gives."""
