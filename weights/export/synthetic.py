"""Seeded random things: point clouds, smooth displacement fields, eye saccades, speech-like audio."""
import zlib

import numpy as np

GOLDEN = np.pi * (3.0 - 5.0**0.5)


def rng_of(seed, *tag):
    return np.random.default_rng(zlib.crc32(repr((int(seed),) + tag).encode()))


def spiral(n):
    """n directions on the half sphere x > 0."""
    i = np.arange(n)
    x = (i + 0.5) / max(n, 1)
    r = np.sqrt(1 - x * x)
    return np.stack([x, r * np.cos(i * GOLDEN), r * np.sin(i * GOLDEN)], 1)


def mirrored(n, front):
    """n directions, left/right symmetric, denser in front (+z)."""
    d = spiral(n // 2)
    d = d + np.array([0, 0, front])
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    d = np.concatenate([d, d * [-1, 1, 1]])
    if n % 2:
        d = np.concatenate([d, [[0.0, 0.0, 1.0]]])
    return d


def bump(p, center, radius, amp, direction, swirl):
    """Gaussian bump of displacement with a little rotation, so that no two poses are parallel."""
    d = np.asarray(direction, float)
    d = d / np.linalg.norm(d)
    q = (p - center) / radius
    g = np.exp(-0.5 * (q * q).sum(1, keepdims=True))
    return amp * g * (d + 0.3 * np.cross(swirl, q) - 0.15 * q)


def modes(p, k, rng, scale):
    """k smooth displacement fields [k, V, 3] with falling amplitude (the role of a PCA basis)."""
    out = np.empty((k, len(p), 3), np.float32)
    size = np.ptp(p, axis=0).max()
    spacing = size * 1.4 / np.sqrt(len(p))
    for i in range(k):
        c = p[rng.integers(len(p))]
        radius = max(size * (0.35 / (1 + i / 24)), spacing)
        f = bump(p, c, radius, 1.0, rng.standard_normal(3), rng.standard_normal(3))
        f *= scale / (1 + i / 16) / np.sqrt((f * f).mean() * 3 + 1e-12)
        out[i] = f
    return out


def saccade(rng, n=5000):
    """Piecewise constant eye rotations in degrees, [n, 2]."""
    lens = rng.integers(4, 40, n)
    v = np.round(rng.normal(0, (0.9, 0.5), (n, 2)) * 64) / 64
    return np.repeat(v, lens, axis=0)[:n].astype(np.float32)


def speech(rng, n, rate=16000):
    """Speech-like mono audio on a 14-bit grid (exact in float32)."""
    t = np.arange(n) / rate
    f0 = rng.uniform(90, 230) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(1, 4) * t + rng.uniform(0, 6)))
    ph = 2 * np.pi * np.cumsum(f0) / rate
    formants = rng.uniform((300, 900, 2200), (800, 1800, 3300))
    x = np.zeros(n)
    for h in range(1, 25):
        f = h * f0.mean()
        a = sum(np.exp(-(((f - c) / 180.0) ** 2)) for c in formants) + 0.03
        x += a / h**0.5 * np.sin(h * ph + rng.uniform(0, 6))
    env = np.clip(np.sin(2 * np.pi * rng.uniform(2, 5) * t + rng.uniform(0, 6)) + 0.4, 0, None)
    x = 0.12 * x * env + rng.uniform(0.002, 0.02) * rng.standard_normal(n)
    return (np.clip(np.round(x * 8192), -8192, 8191) / 8192).astype(np.float32)
