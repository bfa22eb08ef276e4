"""Which layout is tried next, by Optuna, and what was found, in search.db.

search.db holds finished trials, and beside them the layouts that were drawn and wait for their training or for that of
an earlier one; each is written in one transaction, so that a killed search leaves nothing half done. Trials are in the
order of drawing, whichever training was over first. Each draw makes a sampler of its own from trained, rejected and
waiting ones, seeded by how many there are: a search that was stopped draws what it would have drawn, and repeats
nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from factory.contracts.base import Contract
from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import no_space
from factory.contracts.search import Candidate
from factory.pipeline.layouts.space import Choice, Layout

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

DATABASE = "search.db"
_DIRECTIONS: tuple[Literal["maximize"], Literal["minimize"]] = ("maximize", "minimize")
_CANDIDATE, _REFERENCE, _WAITING = "candidate", "reference", "waiting"
_LEAST_REJECTED = 10
_INSTALL = "pip install 'smldist-factory[search]'"


def require_optuna() -> None:
    """Refuse to begin without Optuna.

    Raises:
        MissingToolError: Names the install command.
    """
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingToolError(f"this needs optuna: {_INSTALL}") from error


class Waiting(Contract):
    """A layout that was drawn and is no trial yet."""

    number: int
    layout: dict[str, Choice]
    candidate: Candidate | None = None
    """Once it was trained; an earlier one is not."""


class Study:
    """Trials of one search; another recipe, other data or options are another search in the same file."""

    def __init__(self, folder: Path, key: str, seed: int, choices: Mapping[str, Sequence[Choice]]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._seed, self._choices = seed, choices
        self._path = folder / DATABASE
        with self._guarded():
            storage = optuna.storages.RDBStorage(f"sqlite:///{self._path}")
            self.others = [name for name in optuna.get_all_study_names(storage) if name != key]
            self._study: OptunaStudy = optuna.create_study(
                storage=storage, study_name=key, directions=_DIRECTIONS, load_if_exists=True
            )

    def draw(self) -> Layout:
        """A layout to try: at random at first, then by TPE from what was trained and what was rejected lately.

        As many rejected layouts as trained ones are shown to it: they teach where the bounds are, and more of them
        would outweigh the others. Those that wait are shown as running, which TPE keeps away from.
        """
        import optuna

        trials, waiting = self._study.get_trials(deepcopy=False), self.waiting
        trained = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
        rejected = [trial for trial in trials if trial.state == optuna.trial.TrialState.PRUNED]
        digest = hashlib.sha256(f"{self._seed}/{len(trials) + len(waiting)}".encode()).digest()
        sampler = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "little"), multivariate=True)
        study = optuna.create_study(directions=_DIRECTIONS, sampler=sampler)
        study.add_trials([*trained, *rejected[-max(_LEAST_REJECTED, len(trained)) :]])
        study.add_trials([self._trial(drawn.layout, "RUNNING") for drawn in waiting])
        return dict(study.ask(dict(self._distributions())).params)

    def accept(self, layout: Layout) -> None:
        """Let a drawn layout wait for its training."""
        waiting = self.waiting
        number = len(self.trained) + len(waiting) + 1
        self._wait([*waiting, Waiting(number=number, layout=dict(layout))])

    def keep(self, candidate: Candidate) -> None:
        """Keep what came of a waiting layout, until it is told."""
        kept = {"candidate": candidate}
        self._wait([w.model_copy(update=kept) if w.number == candidate.number else w for w in self.waiting])

    def tell(self, objective: str) -> None:
        """Make trials of kept candidates in the order of numbers, up to the first that is not trained.

        Args:
            objective: The cost that is traded for macro-F1.
        """
        for drawn in self.waiting:
            if drawn.candidate is None:
                break
            values = [drawn.candidate.macro_f1, drawn.candidate.cost.figure(objective)]
            attributes = {_CANDIDATE: drawn.candidate.model_dump(mode="json")}
            self._add(self._trial(drawn.layout, "COMPLETE", values=values, user_attrs=attributes))

    def reject(self, layout: Layout, reasons: Mapping[str, float]) -> None:
        """Record a layout that was not trained: by bound, how far it is over it, as a share of it."""
        self._add(self._trial(layout, "PRUNED", constraints=dict(reasons)))

    @property
    def reference(self) -> Candidate | None:
        """The recipe's own student, once it was trained."""
        found = self._study.user_attrs.get(_REFERENCE)
        return Candidate.model_validate(found) if found is not None else None

    @reference.setter
    def reference(self, candidate: Candidate) -> None:
        with self._guarded():
            self._study.set_user_attr(_REFERENCE, candidate.model_dump(mode="json"))

    @property
    def trained(self) -> list[Candidate]:
        """Candidates in the order of drawing, the reference apart, up to the first that waits."""
        attributes = [trial.user_attrs for trial in self._study.get_trials(deepcopy=False)]
        return [Candidate.model_validate(found[_CANDIDATE]) for found in attributes if _CANDIDATE in found]

    @property
    def waiting(self) -> list[Waiting]:
        """What was drawn and is no trial yet, in the order of drawing."""
        told = len(self.trained)
        drawn = [Waiting.model_validate(found) for found in self._study.user_attrs.get(_WAITING, [])]
        return [found for found in drawn if found.number > told]

    @property
    def finished(self) -> list[Candidate]:
        """As `trained`, and those whose earlier ones wait."""
        return [*self.trained, *(drawn.candidate for drawn in self.waiting if drawn.candidate is not None)]

    @property
    def rejected(self) -> int:
        """How many layouts were not trained."""
        return len(self._study.get_trials(deepcopy=False)) - len(self.trained)

    def _wait(self, waiting: Sequence[Waiting]) -> None:
        with self._guarded():
            self._study.set_user_attr(_WAITING, [drawn.model_dump(mode="json") for drawn in waiting])

    def _add(self, trial: "FrozenTrial") -> None:
        with self._guarded():
            self._study.add_trial(trial)

    def _trial(
        self,
        layout: Layout,
        state: str,
        *,
        values: list[float] | None = None,
        user_attrs: dict[str, Any] | None = None,
        constraints: dict[str, float] | None = None,
    ) -> "FrozenTrial":
        import optuna

        return optuna.trial.create_trial(
            state=optuna.trial.TrialState[state],
            values=values,
            params=dict(layout),
            distributions=dict(self._distributions()),
            user_attrs=user_attrs,
            constraints=constraints,
        )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Say in one line that the disk is full, or that the file is no database of ours."""
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (StorageInternalError, SQLAlchemyError) as error:
            if "disk is full" in str(error) or "disk is full" in str(error.__cause__):
                raise no_space(self._path) from error
            raise ArtifactError(
                f"{self._path} is corrupt, or no search wrote it: move it away and search anew"
            ) from error

    def _distributions(self) -> "Mapping[str, BaseDistribution]":
        from optuna.distributions import CategoricalDistribution, IntDistribution

        return {
            name: IntDistribution(options[0], options[-1], step=options.step)
            if isinstance(options, range)
            else CategoricalDistribution(options)
            for name, options in self._choices.items()
        }
