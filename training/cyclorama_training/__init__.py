"""Data sets, networks, losses, metrics and the train / export commands behind Cyclorama's models."""
