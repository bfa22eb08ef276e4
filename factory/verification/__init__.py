"""Does the artifact still say what the network said? Golden pack, parity, accuracy, tolerances, localisation.

*Parity* compares logits with the reference; *accuracy* compares labels with the truth. Runners come in as
arguments: nothing here knows a target. What each gate means: docs/verification.md.
"""
