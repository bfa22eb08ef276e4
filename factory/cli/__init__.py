"""The command line: the one place that joins data, training, targets and verification."""
