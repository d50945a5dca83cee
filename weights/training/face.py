"""A small human-like face: skin points, triangles, and where each point lies relative to the lips and eyelids.

Centimetres, y up, z forward, x to the character's left. The skin is laid out in a plane with mouth and eyes wide open (so that upper and
lower lip and lids are different points), triangulated there, and then lifted: a height for every point, lips and lids moved to rest.
"""
from dataclasses import dataclass

import numpy as np
from scipy.spatial import Delaunay

MOUTH = np.array([0.0, -4.6])
MOUTH_WIDTH = 2.45  # from the middle to a corner
EYE = np.array([3.15, 1.7])
EYE_WIDTH = 1.4
MOUTH_POINTS = 40  # in each of the six rings round the mouth, which are the first points of the skin
REST_GAP = 0.05  # between the inner lip edges at rest, in the middle
OUTLINE = (7.6, 11.6)  # half axes of the face's edge


@dataclass
class Face:
    skin: np.ndarray  # [V, 3] at rest
    plan: np.ndarray  # [V, 2] laid out flat, mouth and eyes open
    triangles: np.ndarray  # [T, 3]
    upper_lip: np.ndarray  # inner edge without the corners, from the right to the left [N]
    lower_lip: np.ndarray  # the points that face them [N]
    upper_lids: tuple  # (left, right) lid edges
    lower_lids: tuple
    lid_of: np.ndarray  # [V] 1 left eye's upper, 2 left lower, 3 right upper, 4 right lower, else 0


def mouth_ring(k, angles):
    """Ring k of the mouth in the plan: 0 inner edge, 1 fullest part, 2 border of the lips, then outwards."""
    up = np.sin(angles) > 0
    a = MOUTH_WIDTH + (0.0, 0.05, 0.14, 0.45, 0.9, 1.45)[k]
    b = np.where(up, (0.40, 0.68, 0.98, 1.30, 1.70, 2.2)[k], (0.40, 0.78, 1.12, 1.50, 1.95, 2.5)[k])
    y = b * np.sin(angles)
    if k in (1, 2):  # the upper lip's bow
        y = y - 0.12 * np.where(up, np.exp(-((np.cos(angles) / 0.16) ** 2)), 0)
    return np.stack([a * np.cos(angles), y], 1) + MOUTH


def eye_ring(k, angles):
    """Ring k of the left eye in the plan: 0 lid edge, 1 crease, then outwards."""
    up = np.sin(angles) > 0
    a = EYE_WIDTH + (0.0, 0.22, 0.6, 1.0)[k]
    b = np.where(up, (0.52, 0.80, 1.15, 1.6)[k], (0.40, 0.62, 0.95, 1.4)[k])
    return np.stack([a * np.cos(angles), b * np.sin(angles)], 1) + EYE


def plan_points():
    """Points of the plan with their ring tags: [V, 2], list of (kind, ring, angle)."""
    mouth_angles = np.arange(MOUTH_POINTS) * 2 * np.pi / MOUTH_POINTS
    eye_angles = np.arange(24) * 2 * np.pi / 24
    points, tags = [], []
    for k in range(6):
        points.append(mouth_ring(k, mouth_angles))
        tags += [("mouth", k, a) for a in mouth_angles]
    for mirror in (1, -1):
        for k in range(4):
            points.append(eye_ring(k, eye_angles) * [mirror, 1])
            tags += [("left" if mirror > 0 else "right", k, a) for a in eye_angles]
    rest = []
    step = 0.62
    for row, y in enumerate(np.arange(-OUTLINE[1], OUTLINE[1] + 0.01, step * 0.9)):
        half = np.arange(0, OUTLINE[0], step) + (0.5 * step if row % 2 else 0.0)
        for x in half:
            inside = (x / OUTLINE[0]) ** 2 + (abs(y) / OUTLINE[1]) ** 2.3 < 0.965
            m = ((np.array([x, y]) - MOUTH) / [MOUTH_WIDTH + 1.75, 2.5 + 0.15]) ** 2
            e = ((np.array([x, y]) - EYE) / [EYE_WIDTH + 1.25, 1.75]) ** 2
            if inside and m.sum() > 1 and e.sum() > 1:
                rest += [(x, y)] if x == 0 else [(x, y), (-x, y)]
    edge = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    r = (np.abs(np.cos(edge)) ** 2 + np.abs(np.sin(edge)) ** 2.3) ** -0.5
    rest += list(np.stack([OUTLINE[0] * r * np.cos(edge), OUTLINE[1] * np.clip(r, 0, 1.02) * np.sin(edge)], 1))
    points.append(np.array(rest))
    tags += [("skin", -1, 0.0)] * len(rest)
    return np.concatenate(points), tags


def bump(x, y, cx, cy, rx, ry):
    return np.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2)


def height(x, y):
    """z of a point of the resting face."""
    h = 8.2 * np.sqrt(np.clip(1 - np.abs(x / 8.1) ** 2.4 - np.abs(y / 13.2) ** 2.6, 0.0, 1))
    ax = np.abs(x)
    along = np.clip((2.6 - y) / 4.8, 0, 1)  # from the root of the nose to its tip
    nose = (0.35 + 2.0 * along**1.4) * np.exp(-((x / (0.55 + 0.55 * along)) ** 2)) / (1 + np.exp(-(y + 2.35) / 0.17)) / (1 + np.exp((y - 3.0) / 0.4))
    wings = 0.8 * bump(ax, y, 0.95, -1.75, 0.5, 0.5)
    sockets = -0.85 * bump(ax, y, 3.0, 1.8, 1.7, 1.1)
    balls = 0.55 * bump(ax, y, 3.15, 1.7, 1.1, 0.9)
    brows = 0.45 * bump(ax, y, 2.9, 3.5, 2.4, 0.7)
    chin = 0.8 * bump(x, y, 0, -9.0, 1.7, 1.2) - 0.35 * bump(x, y, 0, -7.1, 2.2, 0.6)
    cheeks = 0.45 * bump(ax, y, 4.3, -0.9, 1.8, 1.6)
    muzzle = 0.75 * bump(x, y, 0, -4.6, 2.9, 2.3)
    philtrum = -0.12 * bump(x, y, 0, -3.2, 0.25, 0.6)
    return h + nose + wings + sockets + balls + brows + chin + cheeks + muzzle + philtrum


def lifted(plan, tags):
    """Plan -> resting points: lips and lids closed to their rest opening, then a height for each point."""
    p = plan.copy()
    full = np.zeros(len(p))
    for i, (kind, k, angle) in enumerate(tags):
        if kind == "mouth":
            s = np.sin(angle)
            y, opened = p[i, 1] - MOUTH[1], 0.40 * s
            if k == 0:
                p[i, 1] = MOUTH[1] + 0.5 * REST_GAP * s
            else:
                p[i, 1] = MOUTH[1] + y - opened * (1.0, 1.0, 1.0, 0.75, 0.45, 0.2)[k]
            if k < 3:
                full[i] = (0.18, 0.42, 0.20)[k] * abs(s) ** 0.6
            # corners sit a little low and deep
            full[i] -= 0.25 * np.exp(-((abs(np.cos(angle)) - 1) / 0.05) ** 2) * (k < 3)
    z = height(p[:, 0], p[:, 1]) + full
    return np.column_stack([p, z])


def triangulated(plan):
    """Triangles of the plan without the open mouth and eyes, counter-clockwise seen from the front."""
    triangles = Delaunay(plan).simplices
    centre = plan[triangles].mean(1)
    hole = (((centre - MOUTH) / [MOUTH_WIDTH, 0.40]) ** 2).sum(1) < 0.97
    for mirror in (1, -1):
        d = centre * [mirror, 1] - EYE
        hole |= (d[:, 0] / EYE_WIDTH) ** 2 + (d[:, 1] / np.where(d[:, 1] > 0, 0.52, 0.40)) ** 2 < 0.97
    triangles = triangles[~hole]
    a, b, c = (plan[triangles[:, j]] for j in range(3))
    turn = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    triangles[turn < 0] = triangles[turn < 0][:, ::-1]
    return triangles[np.abs(turn) > 1e-6].astype(np.int32)


def build():
    """The resting face."""
    plan, tags = plan_points()
    above = np.sign([round(np.sin(angle), 6) for _, _, angle in tags])  # 0 at the corners of mouth and eyes
    kinds, rings = np.array([t[0] for t in tags]), np.array([t[1] for t in tags])
    lid_of = np.zeros(len(plan), int)
    for code, side in ((1, "left"), (3, "right")):
        lid_of[(kinds == side) & (above > 0)] = code
        lid_of[(kinds == side) & (above < 0)] = code + 1

    def edge(chosen):
        """The chosen points of an innermost ring, from the character's right to left."""
        points = np.flatnonzero(chosen & (rings == 0))
        return points[np.argsort(plan[points, 0])]

    lips = [edge((kinds == "mouth") & (above == side)) for side in (1, -1)]
    lids = [edge(lid_of == code) for code in (1, 2, 3, 4)]
    return Face(lifted(plan, tags), plan, triangulated(plan), *lips, (lids[0], lids[2]), (lids[1], lids[3]), lid_of)
