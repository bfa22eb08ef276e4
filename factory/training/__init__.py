"""Training of teachers and students: seeded, repeatable, resumable at any epoch."""

from factory.training.predict import macro_f1_of, predict
from factory.training.student import train_student
from factory.training.teacher import train_teacher

__all__ = ["macro_f1_of", "predict", "train_student", "train_teacher"]
