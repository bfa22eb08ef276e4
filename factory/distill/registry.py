"""Every `distill.method` by name: SMLDist, the baselines and the controls. docs/baselines.md compares them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from factory.contracts.recipe import MethodName
from factory.distill.baselines.at import AT
from factory.distill.baselines.cc import CC
from factory.distill.baselines.controls import cross_entropy, label_smoothing
from factory.distill.baselines.crd import CRD
from factory.distill.baselines.dist import DIST
from factory.distill.baselines.dkd import DKD
from factory.distill.baselines.fitnet import FitNet
from factory.distill.baselines.kd import KD
from factory.distill.baselines.literal import LiteralSMLDist
from factory.distill.baselines.lupi import LUPI
from factory.distill.baselines.nst import NST
from factory.distill.baselines.pkt import PKT
from factory.distill.baselines.pseudo_labels import PseudoLabels
from factory.distill.baselines.reviewkd import ReviewKD
from factory.distill.baselines.rkd import RKD
from factory.distill.baselines.selfhar import SelfHAR
from factory.distill.baselines.sp import SP
from factory.distill.baselines.vid import VID
from factory.distill.method import Added, Method, Setup, Term
from factory.distill.smldist import SMLDist


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One method.

    Attributes:
        build: Makes it.
        teacher: Whom the student is shown; an untrained teacher has the trained one's layout and fresh weights.
        teachers_epochs: Whether the student trains for the teacher's epochs, too.
    """

    build: Callable[[Setup], Method]
    teacher: Literal["trained", "untrained", "none"] = "trained"
    teachers_epochs: bool = False


def _added(term: type[Term], setup: Setup) -> Method:
    return Added(term(setup), setup)


TERMS: dict[MethodName, type[Term]] = {
    "kd": KD,
    "fitnet": FitNet,
    "at": AT,
    "sp": SP,
    "cc": CC,
    "vid": VID,
    "rkd": RKD,
    "pkt": PKT,
    "nst": NST,
    "crd": CRD,
    "dkd": DKD,
    "dist": DIST,
    "reviewkd": ReviewKD,
    "lupi": LUPI,
    "pseudo_labels": PseudoLabels,
    "selfhar": SelfHAR,
}
"""Baselines that add one term to cross-entropy."""

METHODS: dict[MethodName, Entry] = {
    "smldist": Entry(build=SMLDist),
    **{name: Entry(build=partial(_added, term)) for name, term in TERMS.items()},
    "smldist_literal": Entry(build=LiteralSMLDist),
    "random_teacher": Entry(build=SMLDist, teacher="untrained"),
    "label_smoothing": Entry(build=label_smoothing, teacher="none"),
    "cross_entropy_total": Entry(build=cross_entropy, teacher="none", teachers_epochs=True),
    "cross_entropy": Entry(build=cross_entropy, teacher="none"),
}
