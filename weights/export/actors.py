"""Synthetic faces of any vertex count: an ellipsoid-like skin whose left and right halves mirror each other, with smooth local deltas
for the 52 ARKit poses, and an ellipsoid tongue with 16 poses. Centimetres, y up, z forward, x to the character's left."""
import numpy as np

from names import ARKIT, TONGUE
from synthetic import bump, mirrored, rng_of, saccade

RADII = np.array([14.0, 18.0, 15.0])

# name: (x, y as fractions of the radii, radius cm, amplitude cm, direction); x > 0 is the character's left side
POSES = {
    "eyeBlinkLeft": (0.38, 0.25, 2.6, 0.9, (0, -1, 0.1)),
    "eyeLookDownLeft": (0.38, 0.22, 2.2, 0.35, (0, -1, 0)),
    "eyeLookInLeft": (0.33, 0.25, 2.2, 0.25, (-1, 0, 0)),
    "eyeLookOutLeft": (0.43, 0.25, 2.2, 0.25, (1, 0, 0)),
    "eyeLookUpLeft": (0.38, 0.28, 2.2, 0.35, (0, 1, 0)),
    "eyeSquintLeft": (0.40, 0.15, 2.4, 0.45, (0.1, 1, 0.2)),
    "eyeWideLeft": (0.38, 0.31, 2.6, 0.45, (0, 1, 0.1)),
    "jawForward": (0.0, -0.70, 7.5, 1.2, (0, 0, 1)),
    "jawLeft": (0.0, -0.72, 7.5, 1.2, (1, 0, 0)),
    "jawRight": (0.0, -0.72, 7.5, 1.2, (-1, 0, 0)),
    "jawOpen": (0.0, -0.80, 8.5, 3.2, (0, -1, -0.4)),
    "mouthClose": (0.0, -0.47, 4.0, 1.1, (0, 1, 0.2)),
    "mouthFunnel": (0.0, -0.42, 3.8, 1.0, (0, 0.1, 1)),
    "mouthPucker": (0.0, -0.40, 3.2, 1.3, (0, 0, 1)),
    "mouthLeft": (0.05, -0.40, 4.5, 1.1, (1, 0, 0)),
    "mouthRight": (-0.05, -0.40, 4.5, 1.1, (-1, 0, 0)),
    "mouthSmileLeft": (0.28, -0.36, 3.4, 1.4, (0.7, 0.7, -0.3)),
    "mouthFrownLeft": (0.26, -0.46, 3.2, 1.0, (0.3, -0.9, 0)),
    "mouthDimpleLeft": (0.32, -0.40, 2.8, 0.8, (0.5, 0, -0.9)),
    "mouthStretchLeft": (0.30, -0.50, 3.6, 1.0, (0.9, -0.4, 0)),
    "mouthRollLower": (0.0, -0.50, 3.0, 0.6, (0, 0.3, -1)),
    "mouthRollUpper": (0.0, -0.34, 3.0, 0.6, (0, -0.3, -1)),
    "mouthShrugLower": (0.0, -0.55, 3.4, 0.8, (0, 0.9, 0.5)),
    "mouthShrugUpper": (0.0, -0.31, 3.2, 0.7, (0, 0.8, 0.4)),
    "mouthPressLeft": (0.17, -0.41, 2.6, 0.5, (0.1, 0.2, -1)),
    "mouthLowerDownLeft": (0.13, -0.50, 2.7, 0.9, (0.1, -1, 0.2)),
    "mouthUpperUpLeft": (0.13, -0.33, 2.7, 0.9, (0.1, 1, 0.2)),
    "browDownLeft": (0.35, 0.42, 3.2, 0.9, (-0.3, -1, 0.1)),
    "browInnerUp": (0.0, 0.45, 4.0, 1.1, (0, 1, 0)),
    "browOuterUpLeft": (0.50, 0.43, 3.4, 1.0, (0.1, 1, 0)),
    "cheekPuff": (0.0, -0.25, 8.0, 1.2, (0, 0, 1)),
    "cheekSquintLeft": (0.45, 0.02, 3.4, 0.8, (0.1, 0.8, 0.4)),
    "noseSneerLeft": (0.12, 0.02, 2.6, 0.7, (0.1, 1, 0.1)),
    "tongueOut": (0.0, -0.45, 2.4, 0.8, (0, -0.3, 1)),
}

JAW5 = np.array([[0, -11.0, 11.0], [2.6, -10.6, 9.0], [-2.6, -10.6, 9.0], [3.9, -10.0, 5.5], [-3.9, -10.0, 5.5]])


def face(n, rng):
    radii = RADII * (1 + 0.05 * rng.standard_normal(3))
    p = mirrored(n, 0.6) * radii
    nose = 3.0 * np.exp(-((p[:, 0] / 2.4) ** 2) - ((p[:, 1] + 1.0) / 4.0) ** 2) * (p[:, 2] > 0)
    chin = 1.5 * np.exp(-((p[:, 0] / 4.0) ** 2) - ((p[:, 1] + 14.0) / 3.5) ** 2) * (p[:, 2] > 0)
    p[:, 2] += nose + chin
    return p


def skin_poses(p, seed):
    spacing = np.sqrt(2100.0 / len(p))
    out = {}
    for name in ARKIT:
        base, mirror = (name, False) if name in POSES else (name.replace("Right", "Left"), True)
        x, y, radius, amp, d = POSES[base]
        # the swirl is drawn from the left pose's name, so a right pose is an exact mirror image
        s = rng_of(seed, "swirl", base).standard_normal(3)
        q = p * [-1, 1, 1] if mirror else p
        c = np.array([x * RADII[0], y * RADII[1], 0.0])
        c[2] = RADII[2] * np.sqrt(max(0.05, 1 - x * x - y * y))
        delta = bump(q, c, max(radius, 0.9 * spacing), amp, d, s)
        if name in ("jawForward", "jawLeft", "jawRight", "jawOpen"):
            delta = delta / (1 + np.exp(((q[:, 1:2] / RADII[1]) + 0.42) / 0.05))
        if name == "cheekPuff":
            delta = delta * np.abs(q[:, :1]) / RADII[0] * 2
        out[name] = delta * [-1, 1, 1] if mirror else delta
    return out


def tongue(n, rng):
    return mirrored(n, 0.0) * (np.array([2.2, 1.2, 3.0]) * (1 + 0.03 * rng.standard_normal(3))) + [0.0, -7.5, 9.0]


def tongue_poses(p, seed):
    c = np.array([0.0, -7.5, 9.0])
    tip, mid = c + [0, 0, 3.0], c
    out = {}
    dirs = {"Up": (0, 1, 0), "Down": (0, -1, 0), "Left": (1, 0, 0), "Right": (-1, 0, 0)}
    for name in TONGUE:
        s = rng_of(seed, "tongue", name).standard_normal(3)
        if name.startswith("tongueTip"):
            d = bump(p, tip, 1.4, 0.8, dirs[name[9:]], s)
        elif name.startswith("tongueRoll"):
            v = np.array(dirs[name[10:]], float)
            d = 0.25 * np.cross(v[[1, 0, 2]] + [0, 0, 0.1], p - c) * np.exp(-0.1 * ((p - tip) ** 2).sum(1, keepdims=True))
            d = d + bump(p, tip, 1.8, 0.15, v, s)  # without it the four rolls span three dimensions
        elif name[6:] in dirs:
            d = bump(p, mid, 2.5, 1.0, dirs[name[6:]], s)
        else:
            k = {"In": (0, 0, -0.3), "Stretch": (-0.05, -0.05, 0.4), "Wide": (0.35, -0.1, 0), "Narrow": (-0.3, 0.05, 0.05)}[name[6:]]
            d = (p - c + [0, 0, 1.5]) * k + 0.02 * np.cross(s, p - c)
        out[name] = d
    return out


def jaw_points(n, rng):
    p = JAW5 if n == 5 else np.concatenate([JAW5, JAW5[0] + rng.standard_normal((max(0, n - 5), 3)) * [3, 1, 3]])[:n]
    return (p + 0.05 * rng.standard_normal(p.shape)).astype(np.float32)


def actor_geometry(seed, actor, nskin, ntongue, njaw=5):
    """All arrays of one identity (float32)."""
    r = rng_of(seed, "actor", actor)
    s, t = face(nskin, r), tongue(ntongue, r)
    sp, tp = skin_poses(s, seed), tongue_poses(t, seed)
    f = lambda a: np.ascontiguousarray(a, dtype=np.float32)
    mask = np.nonzero(s[:, 2] > 0.12 * RADII[2])[0].astype(np.int32)
    if len(mask) < 20:
        mask = np.arange(nskin, dtype=np.int32)
    return {
        "skin": f(s),
        "tongue": f(t),
        "skin_poses": {k: f(v) for k, v in sp.items()},
        "tongue_poses": {k: f(v) for k, v in tp.items()},
        "mask": mask,
        "jaw": jaw_points(njaw, r),
        "lip_open": f(0.6 * (sp["mouthLowerDownLeft"] + sp["mouthLowerDownRight"] + sp["mouthUpperUpLeft"] + sp["mouthUpperUpRight"])),
        "eye_close": f(sp["eyeBlinkLeft"] + sp["eyeBlinkRight"]),
        "saccade": saccade(r),
    }
