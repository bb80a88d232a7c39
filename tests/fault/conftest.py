import os
import random

import pytest


@pytest.fixture
def rng():
    """Random moments whose seed is printed, so that a failure can be repeated (SEED=…)."""
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"SEED={seed}")
    return random.Random(seed)
