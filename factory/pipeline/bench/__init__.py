"""`factory bench`: methods x data sets x folds x seeds. docs/bench.md."""
