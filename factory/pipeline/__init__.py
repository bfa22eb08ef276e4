"""The pipeline: what a build runs, in order (build.py). It alone joins data, training, targets and verification."""
