"""Shared fixtures: where real recordings lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of unpacked official data sets; tests that need it are skipped, visibly, without one."""
    named = os.environ.get("FACTORY_DATA")
    if not named:
        pytest.skip("needs real recordings: set FACTORY_DATA to a folder of the official data sets")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"FACTORY_DATA={named} is not a folder")
    return folder
