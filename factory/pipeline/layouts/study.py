"""Which layout is tried next, by Optuna, and what was found, in search.db.

search.db holds finished trials alone, each written in one transaction, so that a killed search leaves nothing half
done. Each draw makes a sampler of its own from the trained trials, seeded by how many trials there are: a search that
was stopped draws what it would have drawn, and repeats nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import no_space
from factory.contracts.search import Candidate
from factory.pipeline.layouts.space import Choice, Layout

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.distributions import BaseDistribution

DATABASE = "search.db"
_DIRECTIONS: tuple[Literal["maximize"], Literal["minimize"]] = ("maximize", "minimize")
_CANDIDATE, _REFERENCE = "candidate", "reference"
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
        would outweigh the others.
        """
        import optuna

        trials = self._study.get_trials(deepcopy=False)
        trained = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
        rejected = [trial for trial in trials if trial.state == optuna.trial.TrialState.PRUNED]
        digest = hashlib.sha256(f"{self._seed}/{len(trials)}".encode()).digest()
        sampler = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "little"), multivariate=True)
        study = optuna.create_study(directions=_DIRECTIONS, sampler=sampler)
        study.add_trials([*trained, *rejected[-max(_LEAST_REJECTED, len(trained)) :]])
        return dict(study.ask(dict(self._distributions())).params)

    def add(self, layout: Layout, candidate: Candidate, cost: float) -> None:
        """Record a trained candidate; `cost` is traded for its macro-F1."""
        attributes = {_CANDIDATE: candidate.model_dump(mode="json")}
        self._add(layout, "COMPLETE", values=[candidate.macro_f1, cost], user_attrs=attributes)

    def reject(self, layout: Layout, reasons: Mapping[str, float]) -> None:
        """Record a layout that was not trained: by bound, how far it is over it, as a share of it."""
        self._add(layout, "PRUNED", constraints=dict(reasons))

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
        """Candidates in the order of training, the reference apart."""
        attributes = [trial.user_attrs for trial in self._study.get_trials(deepcopy=False)]
        return [Candidate.model_validate(found[_CANDIDATE]) for found in attributes if _CANDIDATE in found]

    @property
    def rejected(self) -> int:
        """How many layouts were not trained."""
        return len(self._study.get_trials(deepcopy=False)) - len(self.trained)

    def _add(
        self,
        layout: Layout,
        state: str,
        *,
        values: list[float] | None = None,
        user_attrs: dict[str, Any] | None = None,
        constraints: dict[str, float] | None = None,
    ) -> None:
        import optuna

        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState[state],
            values=values,
            params=dict(layout),
            distributions=dict(self._distributions()),
            user_attrs=user_attrs,
            constraints=constraints,
        )
        with self._guarded():
            self._study.add_trial(trial)

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
