"""A small tongue and its 16 shapes. Centimetres; it lies in the closed mouth with its tip behind the lips."""
import numpy as np

from layout import TONGUE_INDEX

CENTRE, TIP = np.array([0.0, -5.2, 4.2]), 7.6
LENGTH, SEGMENTS, AROUND = 5.0, 18, 16


def build():
    """-> points [V, 3], triangles [T, 3], fraction along the tongue [V] (0 root, 1 tip)."""
    s = np.linspace(0, 1, SEGMENTS)
    angle = np.arange(AROUND) * 2 * np.pi / AROUND
    half_width = 1.75 * np.sqrt(np.clip(1 - (np.clip(s - 0.35, 0, None) / 0.665) ** 2.2, 0.0, 1)) * (0.8 + 0.2 * np.clip(s / 0.3, 0, 1))
    half_height = 0.75 * np.sqrt(np.clip(1 - (s / 1.01) ** 2.5, 0.0, 1)) + 0.04
    x = half_width[:, None] * np.cos(angle)
    y = CENTRE[1] + 0.35 * np.sin(np.pi * s)[:, None] + half_height[:, None] * np.sin(angle)
    y -= 0.12 * np.exp(-np.square(x / 0.4)) * (np.sin(angle) > 0.2)  # the groove in the middle
    z = (TIP - LENGTH * (1 - s))[:, None] + 0 * x
    points = np.stack([x, y, z], 2).reshape(-1, 3)
    quads = [(i * AROUND + j, i * AROUND + (j + 1) % AROUND, (i + 1) * AROUND + (j + 1) % AROUND, (i + 1) * AROUND + j)
             for i in range(SEGMENTS - 1) for j in range(AROUND)]  # fmt: skip
    triangles = [t for a, b, c, d in quads for t in ((a, c, b), (a, d, c))]
    return points, np.array(triangles, np.int32), np.repeat(s, AROUND)


def poses(points, s):
    """{name: [V, 3]} displacements."""
    s = s[:, None]
    x, y = points[:, :1], points[:, 1:2] - CENTRE[1]
    tip = np.clip((s - 0.55) / 0.45, 0, 1) ** 1.6
    body = np.exp(-np.square((s - 0.40) / 0.24))
    front = np.clip(s / 0.6, 0, 1)
    edge = np.square(x / 1.75)
    vec = lambda a, b, c: np.concatenate([a + 0 * x, b + 0 * x, c + 0 * x], 1)
    out = {
        "tongueTipUp": tip * vec(0, 1.1, -0.25), "tongueTipDown": tip * vec(0, -0.8, -0.15),
        "tongueTipLeft": tip * vec(0.9, 0, -0.1), "tongueTipRight": tip * vec(-0.9, 0, -0.1),
        "tongueRollUp": front * edge * vec(-0.25 * x, 0.9, 0) + tip * vec(0, 0.45, -0.6),
        "tongueRollDown": front * edge * vec(-0.15 * x, -0.8, 0) + tip * vec(0, -0.35, -0.6),
        "tongueRollLeft": front * vec(-0.25 * y, 0.40 * x, 0.12 * x), "tongueRollRight": front**2 * vec(0.45 * y, -0.40 * x, 0.15 * x),
        "tongueUp": body * vec(0, 0.9, 0), "tongueDown": (0.4 + 0.6 * body) * vec(0, -0.65, -0.1),
        "tongueLeft": body * vec(0.8, 0, 0), "tongueRight": body**0.5 * vec(-0.8, 0.05, 0.1),
        "tongueIn": front * vec(0, 0, -0.9) + body * vec(0, 0.25, 0), "tongueStretch": s**1.5 * vec(-0.12 * x, -0.05, 1.6),
        "tongueWide": front * vec(0.35 * x, -0.25 * y, 0), "tongueNarrow": np.sin(np.pi * np.clip(s, 0, 1)) * vec(-0.35 * x, 0.30 * y, 0.1),
    }  # fmt: skip
    return {name: out[name] for name in TONGUE_INDEX}
