"""The animation stage in double precision, as far as the default model needs it: basis, smoothing off, and the blendshape solver.

The solver's objective is the reference's: with A the regularised normal matrix, x = argmin ||A x - b||^2 within [0, 1].
"""
import numpy as np
from scipy.optimize import lsq_linear


class Solver:
    """config: blendshape_params; data: bs_*.npz arrays."""

    def __init__(self, config, data):
        names = [n.decode() for n in data["poseNames"][1:]]
        self.active = np.flatnonzero(config["bsSolveActivePoses"])
        neutral = data["neutral"].astype(float)
        scale = float(np.square(np.ptp(neutral, axis=0)).sum()) / config["templateBBSize"] ** 2
        rows = data["frontalMask"] if "frontalMask" in data else np.arange(len(neutral))
        self.rows, self.neutral, self.count = rows, neutral, len(names)
        self.deltas = np.stack([data[names[i]].astype(float)[rows].ravel() for i in self.active], 1)
        n = len(self.active)
        self.temporal = config["strengthTemporalSmoothing"] * scale
        ridge = config["strengthL2regularization"] * 10 * scale + 100 * self.temporal
        pairs = lambda key: [tuple(np.flatnonzero(np.array(config[key])[self.active] == q)) for q in sorted(set(config[key])) if q >= 0]
        symmetry = np.zeros((n, n))
        for a, b in pairs("bsSolveSymmetryPoses"):
            row = np.zeros(n)
            row[a], row[b] = 1, -1
            symmetry += np.outer(row, row)
        self.a = (
            self.deltas.T @ self.deltas + config["strengthL1regularization"] ** 2 * 0.25 * scale + ridge * np.eye(n)
            + config["strengthSymmetry"] * 10 * scale * symmetry
        )  # fmt: skip
        self.cancel = pairs("bsSolveCancelPoses")
        self.multipliers, self.offsets = np.array(config["bsWeightMultipliers"]), np.array(config["bsWeightOffsets"])

    def bounded(self, b, upper):
        x = np.linalg.solve(self.a, b)
        if (x >= 0).all() and (x <= upper).all():
            return x
        return lsq_linear(self.a, b, (np.zeros(len(b)), upper), "bvls", tol=1e-12).x

    def solve(self, vertices):
        """vertices [frame, V, 3] -> weights [frame, poses]."""
        previous, out = np.zeros(len(self.active)), np.zeros((len(vertices), self.count))
        for k, v in enumerate(vertices):
            b = self.deltas.T @ (v - self.neutral)[self.rows].ravel() + self.temporal * previous
            upper = np.ones(len(b))
            x = self.bounded(b, upper)
            if self.cancel:
                for i, j in self.cancel:
                    upper[i if x[i] < x[j] else j] = 1e-10
                x = self.bounded(b, upper)
            previous = x
            out[k, self.active] = x
        return out * self.multipliers + self.offsets


def window_starts(samples, rate, frames_a_second):
    """First sample of the window of each frame; frames lie at floor(k * rate / fps) while inside the sound."""
    count = int(np.ceil(samples * frames_a_second / rate))
    return (np.arange(count) * rate // frames_a_second).astype(int)
