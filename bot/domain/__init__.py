"""Nouns and rules: frozen records and pure functions. The words are explained in ``docs/glossary.md``."""
