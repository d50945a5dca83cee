"""From a trained network and the procedural face to a deploy folder.

The trained network ends in shape weights. Its last linear layers are multiplied by the matrices that turn weights into PCA coefficients
of the skin, jaw points and PCA coefficients of the tongue, so that the deployed network is an ordinary one of the published structure.
"""
import os
import shutil

import numpy as np
import torch

import face
import face_poses
import feelings
import tongue
from configs import grouped
from face import MOUTH_POINTS
from folders import dump, savez
from graph import export_onnx
from layout import ARKIT, BUFFER, EMOTIONS, IMPLICIT, OFFSET, RATE, TONGUE
from network import EYES, JAW, SKIN_SHAPES, TONGUE_SHAPES, deployed

JAW_POINTS = np.array([[0, -6.4, 8.2], [2.3, -6.2, 6.6], [-2.3, -6.2, 6.6], [3.1, -5.6, 3.4], [-3.1, -5.6, 3.4]])
SOLVED_OFF = [n for n in ARKIT if n.startswith("eyeLook")] + ["tongueOut"]


class Head:
    """The face, its shapes and its bases."""

    def __init__(self):
        self.face = face.build()
        self.skin = self.face.skin.astype(np.float32)
        self.poses = {n: d.astype(np.float32) for n, d in face_poses.skin_poses(self.face).items()}
        points, self.tongue_triangles, along = tongue.build()
        self.tongue = points.astype(np.float32)
        self.tongue_poses = {n: d.astype(np.float32) for n, d in tongue.poses(points, along).items()}
        self.skin_basis, self.skin_map = basis([self.poses[n] for n in ARKIT], SKIN_SHAPES, shape_spread())
        self.tongue_basis, self.tongue_map = basis([self.tongue_poses[n] for n in TONGUE], TONGUE_SHAPES, np.full(16, 0.3))
        self.jaw_map = np.zeros((JAW, 52))
        index = ARKIT.index
        self.jaw_map[:, index("jawOpen")] = face_poses.open_jaw(JAW_POINTS).ravel()
        for name, d in (("jawForward", (0, -0.05, 0.9)), ("jawLeft", (0.9, 0, 0.12)), ("jawRight", (-0.9, 0, 0.12))):
            self.jaw_map[:, index(name)] = np.tile(d, JAW // 3)


def shape_spread():
    """How far each of the 52 weights usually moves: what the basis should keep first."""
    felt = feelings.skin_offsets().max(0)
    spoken = {"jawOpen": 0.25, "mouthClose": 0.15, "mouthFunnel": 0.2, "mouthPucker": 0.3, "mouthRollLower": 0.2, "mouthRollUpper": 0.1}
    sides = {"mouthPress": 0.2, "mouthStretch": 0.2, "mouthSmile": 0.2, "mouthLowerDown": 0.2, "mouthUpperUp": 0.15}
    spoken.update({n + s: v for n, v in sides.items() for s in ("Left", "Right")})
    return np.maximum(felt, [spoken.get(n, 0.01) for n in ARKIT])


def basis(deltas, count, spread):
    """PCA of random combinations of the shapes (independent, with these spreads): basis [count, V, 3], and the matrix from weights to
    coefficients [count, shapes]."""
    d = np.stack([x.astype(float).ravel() for x in deltas], 1)
    u, s, _ = np.linalg.svd(d * spread, full_matrices=False)
    size = s[:count] / np.sqrt(len(d) / 3)  # a coefficient of 1 is an ordinary displacement
    size = np.maximum(size, size[0] * 1e-3)
    return (u[:, :count] * size).T.reshape(count, -1, 3).astype(np.float32), (u[:, :count].T @ d) / size[:, None]


def fold(state, head):
    """The trained state -> a deployed network."""
    net, sizes = deployed()
    state = {k: v.double() for k, v in state.items()}
    skin_jaw_eyes = np.zeros((SKIN_SHAPES + JAW + EYES, 52 + EYES))
    skin_jaw_eyes[:SKIN_SHAPES, :52] = head.skin_map
    skin_jaw_eyes[SKIN_SHAPES : SKIN_SHAPES + JAW, :52] = head.jaw_map
    skin_jaw_eyes[SKIN_SHAPES + JAW :, 52:] = np.eye(EYES)
    for name, matrix in (("linear_skin_jaw_eyes2", skin_jaw_eyes), ("linear_tongue2", head.tongue_map)):
        for leaf in (".weight", ".bias"):
            state[name + leaf] = torch.tensor(matrix) @ state[name + leaf]
    net.load_state_dict({k: v.float() for k, v in state.items()})
    for p in net.parameters():
        p.requires_grad_(False)
    return net.eval(), {**sizes, "shapes_skin": SKIN_SHAPES}


def saccades(rng, rows=5000):
    """Gaze in degrees at 30 rows a second: fixations of 0.2 to 2 s, small steps round the middle, [rows, 2]."""
    lengths = rng.integers(6, 60, rows)
    gaze = rng.normal(0, (0.7, 1.1), (rows, 2))
    return np.repeat(gaze, lengths, axis=0)[:rows].astype(np.float32)


def solver_points(head):
    """Vertices that the solver looks at: lips, upper face and a tenth of the rest.

    Jaw and cheeks have so many points that the solver would trade a small error there for large weights of small shapes.
    """
    points = np.arange(len(head.skin))
    upper_face = (head.skin[:, 1] > -2.5) & (head.skin[:, 2] > 4.0)
    return np.flatnonzero((points < 4 * MOUTH_POINTS) | upper_face | (points % 10 == 0)).astype(np.int32)


def write_geometry(out, head):
    rng = np.random.default_rng(5)
    apart = 0.6 * sum(head.poses[n + s] for n in ("mouthLowerDown", "mouthUpperUp") for s in ("Left", "Right"))
    savez(
        os.path.join(out, "model_data.npz"), True, shapes_matrix_skin=head.skin_basis, shapes_mean_skin=head.skin, lip_open_pose_delta=apart,
        eye_close_pose_delta=head.poses["eyeBlinkLeft"] + head.poses["eyeBlinkRight"], shapes_matrix_tongue=head.tongue_basis,
        shapes_mean_tongue=head.tongue, neutral_jaw=JAW_POINTS.astype(np.float32), saccade_rot_matrix=saccades(rng),
        skin_triangles=head.face.triangles, tongue_triangles=head.tongue_triangles,
        upper_lip=head.face.upper_lip.astype(np.int32), lower_lip=head.face.lower_lip.astype(np.int32),
    )  # fmt: skip
    diagonal = lambda p: round(float(np.linalg.norm(np.ptp(p, axis=0))), 6)
    against = [("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")]
    active = [int(n not in SOLVED_OFF) for n in ARKIT]
    configs = {
        "skin": dict(poses=ARKIT, l2=0.005, size=diagonal(head.skin), active=active, cancel=grouped(ARKIT, against)),
        "tongue": dict(poses=TONGUE, l2=0.003, size=diagonal(head.tongue), active=[1] * 16, cancel=[-1] * 16),
    }
    mask = solver_points(head)
    for part, c in configs.items():
        n = len(c["poses"])
        dump(os.path.join(out, f"bs_{part}_config.json"), {"blendshape_params": {
            "strengthL1regularization": 0.0, "strengthL2regularization": c["l2"], "strengthSymmetry": 0.0, "strengthTemporalSmoothing": 0.0,
            "templateBBSize": c["size"], "numPoses": n, "bsSolveActivePoses": c["active"], "bsSolveCancelPoses": c["cancel"],
            "bsSolveSymmetryPoses": [-1] * n, "bsWeightMultipliers": [1.0] * n, "bsWeightOffsets": [0.0] * n,
        }})  # fmt: skip
        names = np.array([b"neutral"] + [x.encode() for x in c["poses"]])
        deltas, neutral = (head.poses, head.skin) if part == "skin" else (head.tongue_poses, head.tongue)
        extra = {"frontalMask": mask} if part == "skin" else {}
        savez(os.path.join(out, f"bs_{part}.npz"), True, poseNames=names, neutral=neutral, **deltas, **extra)


def write_settings(out, head):
    shots, rows = feelings.implicit_rows()
    savez(os.path.join(out, "implicit_emo_db.npz"), True, emo_db=rows, emo_spec_names=np.array(shots, dtype="S"),
          emo_spec_start=np.arange(len(shots), dtype=np.int32), emo_spec_size=np.ones(len(shots), np.int32))  # fmt: skip
    strengths = ("input", "upper_face", "lower_face", "skin", "blink", "lower_teeth", "tongue", "eyeballs")
    offsets = ("lower_teeth_height", "lower_teeth_depth", "lip_open", "tongue_height", "tongue_depth", "eyelid_open",
               "right_eye_rot_x", "right_eye_rot_y", "left_eye_rot_x", "left_eye_rot_y")  # fmt: skip
    dump(os.path.join(out, "model_config.json"), {"config": {
        **{s + "_strength": 1.0 for s in strengths}, **{o + "_offset": 0.0 for o in offsets},
        "saccade_strength": 0.6, "eye_saccade_seed": 0, "upper_face_smoothing": 0.01, "lower_face_smoothing": 0.0023,
        "face_mask_level": 0.55, "face_mask_softness": 0.0085, "source_shot": "neutral", "source_frame": 0,
    }})  # fmt: skip
    dump(os.path.join(out, "network_info.json"), {
        "id": {"type": "regression", "actor": "default", "version": "1.0", "output": "geometry"},
        "params": {
            "implicit_emotion_len": IMPLICIT, "explicit_emotions": EMOTIONS, "default_emotion": [0.0] * len(EMOTIONS), "identities": ["default"],
            "num_shapes_skin": SKIN_SHAPES, "num_verts_skin": len(head.skin), "num_shapes_tongue": TONGUE_SHAPES,
            "num_verts_tongue": len(head.tongue), "result_jaw_size": JAW, "result_eyes_size": EYES,
        },
        "audio_params": {"buffer_len": BUFFER, "buffer_ofs": OFFSET, "samplerate": RATE},
    })  # fmt: skip
    bs = {part: {"config": f"bs_{part}_config.json", "data": f"bs_{part}.npz"} for part in ("skin", "tongue")}
    dump(os.path.join(out, "model.json"), {
        "networkInfoPath": "network_info.json", "networkPath": "network.trt", "modelConfigPath": "model_config.json",
        "modelDataPath": "model_data.npz", "emotionDatabasePath": "implicit_emo_db.npz", "blendshapePaths": bs,
    })  # fmt: skip


def deploy(state, out):
    """Writes the folder; state: the trained network's state_dict."""
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    head = Head()
    net, sizes = fold(state, head)
    export_onnx(net, "regression", {**sizes, "emotions": EMOTIONS}, os.path.join(out, "network.onnx"))
    write_geometry(out, head)
    write_settings(out, head)
