"""SMLDist (arXiv 2107.07331), docs/method.md, and beside it the baselines of distillation, docs/baselines.md.

registry.py names every method, method.py is what they have in common, objective.py puts one over a student.
"""
