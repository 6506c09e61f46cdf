"""Evaluates a syntax tree: expressions, functions, variables and dynamic blocks."""
