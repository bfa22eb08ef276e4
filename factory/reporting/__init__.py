"""The report of a build: one HTML file, and one picture for a README."""
