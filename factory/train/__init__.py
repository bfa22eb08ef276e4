"""Training of teachers and students: seeded, repeatable, resumable at any epoch."""

from factory.train.predict import predict
from factory.train.student import train_student
from factory.train.teacher import train_teacher

__all__ = ["predict", "train_student", "train_teacher"]
