"""Where the training code finds the generator of model folders, and the order of the targets."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "weights", "export"))

from names import ARKIT, EMOTIONS, TONGUE  # noqa: E402

SKIN_INDEX = {n: i for i, n in enumerate(ARKIT)}
TONGUE_INDEX = {n: i for i, n in enumerate(TONGUE)}
RATE = 16000
HOP = 80  # samples between stored feature rows: 5 ms, a quarter of the network's own hop
BUFFER, OFFSET = 8320, 4160  # samples of a window, and of its moment within it
IMPLICIT = 16
