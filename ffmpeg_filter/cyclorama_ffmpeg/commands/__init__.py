"""The `cyclorama` command: one module for each reason to change; `main` puts them together."""
