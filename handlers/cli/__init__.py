"""The command line: one module a verb, each with `main(argv) -> int`, the exit status."""
