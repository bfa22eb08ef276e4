"""SMLDist (arXiv 2107.07331): stage, memory and logits distillation. docs/method.md says what is the paper's."""
