"""Small wrong edits of the code, each with the tests that must notice it: `make mutants`."""
