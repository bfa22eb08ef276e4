"""Layouts of a student: which there are, what one costs, how good it is, and the search among them."""
