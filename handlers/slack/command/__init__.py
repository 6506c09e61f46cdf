"""The text of ``/deploy``: lexer, parser, and the commands they give."""
