"""From a syntax tree to values: expressions, functions, variables, dynamic blocks."""
