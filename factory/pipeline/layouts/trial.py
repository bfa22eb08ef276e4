"""One candidate: trained on training people by a short schedule, judged on validation people. Nobody tests here."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from factory.contracts.dataset import Split, WindowSet
from factory.contracts.progress import Cancel, Silent
from factory.contracts.recipe import BackboneRecipe, HeadKind, Recipe
from factory.contracts.search import SearchMethod
from factory.models import Network
from factory.pipeline.layouts.prices import with_student

_SHORTER = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Trainer:
    """How every candidate of a search is trained; goes to other processes and machines as it is.

    Attributes:
        recipe: With the short schedule.
        windows: All windows.
        split: Its training part is fitted, its validation part judges.
        teacher: Folder of the one teacher, for method 'recipe'.
        method: Alone by cross-entropy, or by the recipe's method under the teacher.
        device: torch's name.
    """

    recipe: Recipe
    windows: WindowSet
    split: Split
    teacher: Path
    method: SearchMethod
    device: str

    def score(self, student: BackboneRecipe, folder: Path, cancel: Cancel) -> tuple[float, float]:
        """Validation macro-F1, and the seconds it took.

        Args:
            student: Who is trained.
            folder: Of the training, where it goes on if it was interrupted; removed at the end.
            cancel: Looked at after every epoch.

        Raises:
            TrainingError: The loss diverged.
        """
        from factory.training import macro_f1_of

        began = time.perf_counter()
        recipe = with_student(self.recipe, student)
        assert recipe is not None, "whoever draws sees to it"
        network = self._train(recipe, folder, cancel)
        shutil.rmtree(folder)
        score = macro_f1_of(network, self.windows, self.split.validation, self.device)
        return score, round(time.perf_counter() - began, 1)

    def _train(self, recipe: Recipe, folder: Path, cancel: Cancel) -> Network:
        from factory.models import load_network
        from factory.training import train_student
        from factory.training.alone import train_alone

        windows, split, device = self.windows, self.split, self.device
        if self.method == "cross_entropy":
            return train_alone(recipe, windows, split, alone_head(recipe), folder, device, Silent(), cancel)
        train_student(recipe, windows, split, self.teacher, folder, device, Silent(), cancel=cancel)
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
