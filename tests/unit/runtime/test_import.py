"""A program that imports icepipe finds its own process as it left it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HOST = """
import gc, importlib, json, logging, os, pkgutil, signal, sys, warnings

# What the libraries below do to a process is theirs.
import jinja2, matplotlib.figure, numba, numpy, PIL.Image, pyarrow, pydantic, pyogrio, rasterio.features, rasterio.warp
import rich.console, ruamel.yaml, scipy.ndimage, scipy.optimize, scipy.stats, shapely, sklearn.cluster, typer
from numba.core import event

class Kept(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())

messages = []
logging.getLogger().addHandler(Kept())
logging.getLogger().setLevel(logging.WARNING)
warnings.filterwarnings("error", message="a filter of the host")

def state():
    root = logging.getLogger()
    return {
        "root logger": [root.level, [type(handler).__name__ for handler in root.handlers], root.manager.disable],
        "warnings": [str(entry) for entry in warnings.filters],
        "listeners": [key for key, listeners in event._registered.items() if listeners],
        "environment": dict(os.environ),
        "import hooks": [str(finder) for finder in sys.meta_path],
        "garbage collection": [gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()],
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "recursion": sys.getrecursionlimit(),
        "hidden modules": [name for name, module in sys.modules.items() if module is None],
    }

before = state()
import icepipe
for module in pkgutil.walk_packages(icepipe.__path__, "icepipe."):
    importlib.import_module(module.name)
icepipe.segment_image(numpy.arange(48, dtype=numpy.uint8).reshape(4, 4, 3), 2)
after = state()

from icepipe.runtime.log import log_note
own = logging.getLogger("icepipe")
own_settings = {"level": own.level, "propagate": own.propagate, "handlers": [type(h).__name__ for h in own.handlers]}
log_note("too fine for the level of the host")
log_note("a warning of icepipe", logging.WARNING)
print(json.dumps({"before": before, "after": after, "own": own_settings, "messages": messages}))
"""


@pytest.fixture(scope="module")
def host():
    done = subprocess.run([sys.executable, "-c", HOST], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "part",
    [
        "root logger",
        "warnings",
        "listeners",
        "environment",
        "import hooks",
        "garbage collection",
        "signals",
        "recursion",
        "hidden modules",
    ],
)
def test_an_import_leaves_the_host_as_it_was(host, part):
    assert host["after"][part] == host["before"][part]


def test_the_host_decides_which_records_are_shown(host):
    assert host["own"] == {"level": 0, "propagate": True, "handlers": ["NullHandler"]}
    assert host["messages"] == ["a warning of icepipe"]
