"""One candidate: trained on training people by a short schedule, judged on validation people. Nobody tests here."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from factory.contracts.progress import Silent
from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe
from factory.contracts.search import SearchMethod
from factory.models import Network
from factory.pipeline.layouts.prices import with_student
from factory.pipeline.request import Run

_FOLDER = "candidate"
_TEACHER = "teacher"
_SHORTER = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Trainer:
    """How every candidate of a search is trained.

    Attributes:
        run: Of the recipe with the short schedule; windows, split and, for method 'recipe', the teacher.
        method: Alone by cross-entropy, or by the recipe's method under the one teacher of the folder.
        device: torch's name.
    """

    run: Run
    method: SearchMethod
    device: str

    def score(self, student: BackboneRecipe) -> tuple[float, float]:
        """Validation macro-F1, and the seconds it took.

        Raises:
            TrainingError: The loss diverged.
        """
        began = time.perf_counter()
        recipe = with_student(self.run.recipe, student)
        assert recipe is not None, "whoever draws sees to it"
        folder = self.run.folder / _FOLDER
        network = self._train(recipe, folder)
        shutil.rmtree(folder)
        from factory.training import macro_f1_of

        score = macro_f1_of(network, self.run.windows, self.run.split.validation, self.device)
        return score, round(time.perf_counter() - began, 1)

    def _train(self, recipe: Recipe, folder: Path) -> Network:
        from factory.models import load_network
        from factory.training import train_student
        from factory.training.alone import train_alone

        run, cancel = self.run, self.run.request.cancel
        if self.method == "cross_entropy":
            head = alone_head(recipe)
            return train_alone(recipe, run.windows, run.split, head, folder, self.device, Silent(), cancel)
        teacher = run.folder / _TEACHER
        train_student(recipe, run.windows, run.split, teacher, folder, self.device, Silent(), cancel=cancel)
        return load_network(folder)


def short_epochs(recipe: Recipe, wanted: int | None) -> int:
    """Of a candidate: what was asked for, or a third of the recipe's."""
    return wanted or max(1, recipe.train.student_epochs // _SHORTER)


def alone_head(recipe: Recipe) -> HeadKind:
    """The head of a student without a teacher: linear where the recipe allows it, for it trains alone best."""
    return "linear" if "linear" in recipe.model.heads else recipe.model.heads[0]


def short_schedule(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe as candidates are trained: few epochs, none for int8, and validation people only judge."""
    train = recipe.train.model_copy(update={"student_epochs": epochs, "int8_epochs": 0, "refit": False})
    return recipe.model_copy(update={"train": train})
