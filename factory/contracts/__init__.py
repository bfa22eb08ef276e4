"""What crosses a boundary: recipes, window specifications, artifacts, manifests, errors.

A leaf: imports neither torch nor any other part of the project.
"""
