"""Other methods of knowledge distillation under SMLDist's own trainer, one file each; docs/baselines.md compares them.

Each is written from its paper. Constants are marked [paper] as the paper has them, [code] as the authors' public code
or the benchmark of arXiv:1910.10699 has them, [ours] otherwise. All add one term to cross-entropy (`Added`), without
Hinton's loss beside it, as that benchmark does, so that what a method brings is seen [code].
"""
