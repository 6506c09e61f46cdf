"""Parses HCL text into a syntax tree."""
