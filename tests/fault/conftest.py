import os
import random
import subprocess
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def rng():
    """Random moments whose seed is printed, so that a failure can be repeated (SEED=…)."""
    seed = int(os.environ.get("SEED", random.randrange(2**32)))
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def small_disk():
    mount = tempfile.mkdtemp(prefix="simpleim-disk-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount], check=True)
    yield Path(mount)
    subprocess.run(["umount", "-l", mount], check=True)
    os.rmdir(mount)
