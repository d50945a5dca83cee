"""The 52 ARKit shapes of the procedural face, as displacements from rest: {name: [V, 3]} in centimetres."""
import numpy as np

from face import EYE, MOUTH, MOUTH_WIDTH
from layout import SKIN_INDEX

HINGE = np.array([0.0, 0.4, -2.5])  # axis of the jaw joint, parallel to x
JAW_ANGLE = np.radians(17.0)  # jawOpen = 1


def smoothstep(x):
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def open_jaw(points):
    """Displacement of points fixed to the jaw bone, jawOpen = 1: [N, 3]."""
    q = points - HINGE
    c, s = np.cos(JAW_ANGLE), np.sin(JAW_ANGLE)
    return np.stack([0 * q[:, 0], (c - 1) * q[:, 1] - s * q[:, 2], s * q[:, 1] + (c - 1) * q[:, 2]], 1)


class Regions:
    """Soft selections of skin points, each [V, 1] in 0..1."""

    def __init__(self, face):
        self.face = face
        p, plan = face.skin, face.plan - MOUTH
        self.x, self.y = p[:, :1], p[:, 1:2]
        beyond = np.clip(np.abs(plan[:, 0]) - 0.75 * MOUTH_WIDTH, 0, None)
        along = np.clip(np.abs(plan[:, 0]) / MOUTH_WIDTH, 0, 1)
        blend = 0.38 + 0.26 * along + 0.55 * beyond  # an oval opening; corners and cheeks stretch
        below = np.clip(-plan[:, 1] - 0.35 * beyond, -9, 9)
        self.jaw = smoothstep(0.5 + below / (2 * blend))[:, None]
        self.lower = smoothstep(0.5 - plan[:, 1] / 0.5)[:, None]
        self.upper = 1 - self.lower
        rim = np.hypot(plan[:, 0] / (MOUTH_WIDTH + 0.15), plan[:, 1] / np.where(plan[:, 1] > 0, 0.95, 1.1))
        self.rim = np.clip(rim, 0, None)[:, None]  # about 0.4 on the inner edge, 1 on the border of the lips

    def lips(self, reach):
        """1 on the lips, falling off outside over reach (in mouth sizes)."""
        return np.exp(-np.square(np.clip(self.rim - 1.0, 0, None) / reach))

    def side(self, sign, width=0.7):
        """1 on the side of sign (+1: the character's left), 0 on the other, passing through the middle over width."""
        return smoothstep(0.5 + sign * self.x / (2 * width))

    def spot(self, x, y, rx, ry):
        return np.exp(-np.square((self.x - x) / rx) - np.square((self.y - y) / ry))

    def sharp(self, reach):
        """The very edge of the lips."""
        return np.exp(-np.square(np.clip(self.rim - 0.7, 0, None) / reach))


def jaw_poses(r):
    p = r.face.skin
    ones = np.ones_like(r.x)
    opened = r.jaw * open_jaw(p) + r.spot(0, MOUTH[1], 4.0, 2.6) * [1, 0, 0] * (-0.10 * p[:, :1])
    gap = opened[r.face.lower_lip] - opened[r.face.upper_lip]  # how jawOpen parts each pair of lip points
    at = np.stack([np.interp(p[:, 0], p[r.face.lower_lip, 0], gap[:, i], 0, 0) for i in range(3)], 1)
    close = r.lips(0.45) * at * (r.upper * 0.35 - r.lower * 0.65)
    for sign, points in ((0.35, r.face.upper_lip), (-0.65, r.face.lower_lip)):
        close[points] = sign * gap  # exact on the edge: jawOpen = mouthClose shuts the mouth
    shift = smoothstep(r.jaw)
    return {
        "jawOpen": opened, "mouthClose": close, "jawForward": shift * [0, -0.05, 0.9],
        "jawLeft": shift * np.concatenate([0.9 * ones, 0.06 * r.x, 0.12 * ones], 1),
        "jawRight": shift * np.concatenate([-0.9 * ones, -0.06 * r.x, 0.12 * ones], 1),
    }  # fmt: skip


def lip_poses(r):
    p = r.face.skin
    x = p[:, :1]
    arch = np.sqrt(np.clip(1 - np.square(x / (MOUTH_WIDTH + 0.1)), 0, 1))  # 1 in the middle, 0 at the corners
    out, wide = r.lips(0.55), r.lips(1.1)
    up, low = r.upper, r.lower
    inward = np.concatenate([-x, 0 * x, 0 * x], 1)
    back = np.concatenate([0 * x, 0 * x, -np.ones_like(x)], 1)
    sharp = r.sharp(0.45)
    poses = {
        "mouthFunnel": out * (inward * 0.22 + [0, 0, 0.85] + arch * (up * [0, 0.38, 0.15] + low * [0, -0.48, 0.15])),
        "mouthPucker": wide * (inward * 0.40) + out * ([0, 0, 1.0] + arch * (up * [0, 0.06, 0.2] + low * [0, -0.06, 0.2])),
        "mouthLeft": wide * ([1.0, 0, 0] + r.side(1) * [0.1, 0.15, -0.3]), "mouthRight": wide * ([-1.0, 0, 0] + r.side(-1) * [-0.1, 0.15, -0.3]),
        "mouthRollLower": low * sharp * arch * (back * 0.55 + [0, 0.24, 0]),
        "mouthRollUpper": up * sharp * arch * (back * 0.55 + [0, -0.20, 0]),
        "mouthShrugLower": low * r.lips(0.5) * arch * [0, 0.38, 0.32] + r.spot(0, -8.2, 1.8, 1.3) * [0, 0.5, 0.1]
        + up * out * arch * [0, 0.30, 0.1],
        "mouthShrugUpper": up * out * arch * [0, 0.42, 0.28] + low * sharp * arch * [0, 0.22, 0.12],
        "tongueOut": low * out * arch * [0, -0.25, 0.12],
    }
    # the lips touch or nearly touch at rest: what pushes one lip over the other takes that lip along, so the edges never cross
    for side, sign in (("Left", 1), ("Right", -1)):
        h = r.side(sign)
        corner = (sign * MOUTH_WIDTH, MOUTH[1])
        near, broad = r.spot(*corner, 1.5, 1.5), r.spot(*corner, 2.4, 2.2)
        dimple = r.spot(corner[0] + 0.5 * sign, corner[1], 1.0, 1.0)
        poses["mouthSmile" + side] = near * [0.85 * sign, 0.85, -0.35] + r.spot(sign * 4.2, -2.2, 1.7, 1.7) * [0.1 * sign, 0.45, 0.25]
        poses["mouthFrown" + side] = near * [0.15 * sign, -0.85, -0.05] + r.spot(sign * 2.9, -6.6, 1.3, 1.2) * [0, -0.25, 0.1]
        poses["mouthDimple" + side] = dimple * [0.45 * sign, 0.05, -0.75]
        poses["mouthStretch" + side] = broad * [0.85 * sign, -0.28, -0.15] + r.spot(sign * 3.3, -8.2, 1.7, 1.9) * [0.15 * sign, -0.3, 0]
        together = up * out * [0, -0.16, 0] + low * out * [0, 0.16, 0] + sharp * back * 0.40
        poses["mouthPress" + side] = h * arch * together + near * [0.15 * sign, 0, -0.25]
        poses["mouthLowerDown" + side] = h * arch**0.5 * low * r.lips(0.40) * [0.08 * sign, -0.75, 0.12]
        poses["mouthUpperUp" + side] = h * arch**0.5 * up * r.lips(0.40) * [0.05 * sign, 0.62, 0.10]
    return poses


def lid_poses(r):
    p, face = r.face.skin, r.face
    poses = {}
    for n, (side, sign) in enumerate((("Left", 1), ("Right", -1))):
        upper, lower = face.upper_lids[n], face.lower_lids[n]
        eye = r.spot(sign * EYE[0], EYE[1], 1.9, 1.7)
        is_upper, is_lower = (face.lid_of == 1 + 2 * n)[:, None], (face.lid_of == 2 + 2 * n)[:, None]
        gap = p[upper] - p[lower]
        width = np.stack([np.interp(p[:, 0], p[upper, 0], gap[:, i], 0, 0) for i in range(3)], 1)
        edge = np.abs(p[:, 1:2] - EYE[1])
        fall = np.exp(-np.square(np.clip(edge - 0.5, 0, None) / 0.45))
        bulge = np.concatenate([0 * p[:, :2], 0.22 * np.abs(width[:, 1:2])], 1)  # lids slide over the ball
        blink = is_upper * fall * (-0.88 * width + 0.5 * bulge) + is_lower * fall * (0.12 * width)
        blink[upper], blink[lower] = -0.88 * gap + bulge[upper], 0.12 * gap + bulge[lower]
        brow = r.spot(sign * EYE[0], 3.0, 1.8, 0.6)
        poses["eyeBlink" + side] = blink + brow * [0, -0.10, 0]
        corner = r.spot(sign * 4.9, 1.3, 0.9, 1.0) * [-0.15 * sign, 0.1, 0]
        poses["eyeSquint" + side] = is_lower * eye * [0, 0.34, 0.05] + is_upper * eye * [0, -0.10, 0] + corner
        poses["eyeWide" + side] = is_upper * eye * [0, 0.34, 0] + is_lower * eye * [0, -0.08, 0]
        poses["eyeLookUp" + side] = is_upper * eye * [0, 0.20, 0.04] + is_lower * eye * [0, 0.10, 0]
        poses["eyeLookDown" + side] = is_upper * eye * [0, -0.24, 0.02] + is_lower * eye * [0, -0.14, 0]
        poses["eyeLookIn" + side] = eye * [-0.14 * sign, 0, 0.03]
        poses["eyeLookOut" + side] = eye * [0.14 * sign, 0, 0.02] + is_upper * eye * [0, 0.02, 0]
        poses["browDown" + side] = r.spot(sign * 2.5, 3.6, 1.7, 0.9) * [-0.28 * sign, -0.70, 0.15]
        poses["browOuterUp" + side] = r.spot(sign * 4.4, 3.7, 1.5, 1.2) * [0.05 * sign, 0.80, 0.05]
        poses["cheekSquint" + side] = r.spot(sign * 4.2, -0.4, 1.8, 1.3) * [-0.05 * sign, 0.60, 0.35]
        poses["noseSneer" + side] = r.spot(sign * 1.2, -1.0, 1.0, 1.6) * [0.12 * sign, 0.65, 0.15] + r.spot(sign * 1.3, -3.0, 0.9, 0.7) * [0, 0.25, 0]
    return poses


def skin_poses(face):
    """All 52 shapes, in ARKit's order."""
    r = Regions(face)
    puff = sum(r.spot(sign * 4.5, -4.4, 1.7, 1.9) * [0.75 * sign, 0, 0.6] for sign in (1, -1))
    inner = sum(r.spot(sign * 1.5, 3.8, 1.2, 1.2) * [0, 0.85, 0.05] for sign in (1, -1))
    poses = {**jaw_poses(r), **lip_poses(r), **lid_poses(r), "cheekPuff": puff, "browInnerUp": inner}
    return {name: poses[name] for name in SKIN_INDEX}
