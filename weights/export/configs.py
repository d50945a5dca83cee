"""Animation, solver and post-processing parameters (model_config.json, bs_*_config.json)."""
from names import ARKIT, TONGUE
from synthetic import rng_of


def grouped(names, groups):
    """One id per name: the number of the first group that holds it, or -1."""
    ids = [-1] * len(names)
    for q, members in enumerate(groups):
        for n in members:
            ids[names.index(n)] = q
    return ids


def solver_config(poses, l1, l2, temporal, size, **arrays):
    """The blendshape solver's parameters; size: templateBBSize in centimetres."""
    n = len(poses)
    return {
        "strengthL1regularization": l1,
        "strengthL2regularization": l2,
        "strengthSymmetry": 100.0,
        "strengthTemporalSmoothing": temporal,
        "templateBBSize": round(size, 6),
        "numPoses": n,
        "bsSolveActivePoses": arrays.get("active", [1] * n),
        "bsSolveCancelPoses": arrays.get("cancel", [-1] * n),
        "bsSolveSymmetryPoses": arrays.get("symmetry", [-1] * n),
        "bsWeightMultipliers": arrays.get("multipliers", [1.0] * n),
        "bsWeightOffsets": [0.0] * n,
    }


def skin_solver_config(size):
    both = ["eyeBlink", "eyeWide", "mouthSmile", "mouthLowerDown", "mouthUpperUp", "browDown", "cheekSquint"]
    against = [("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("mouthSmileLeft", "mouthFrownLeft"), ("mouthSmileRight", "mouthFrownRight")]
    return solver_config(
        ARKIT, 0.5, 0.5, 0.3, size,
        active=[0 if n.startswith("eyeLook") or n == "tongueOut" else 1 for n in ARKIT],
        cancel=grouped(ARKIT, against),
        symmetry=grouped(ARKIT, [(n + "Left", n + "Right") for n in both]),
    )  # fmt: skip


def tongue_solver_config(size):
    multipliers = [1.0] * len(TONGUE)
    for name, m in (("tongueTipUp", 2.0), ("tongueRollUp", 3.0), ("tongueStretch", 2.0)):
        multipliers[TONGUE.index(name)] = m
    return solver_config(TONGUE, 1.0, 3.5, 5.0, size, multipliers=multipliers)


def animator_config(diffusion, seed, shot=None):
    """Animation parameters near the published ones; shot: (name, frame) of the implicit emotion, regression only."""
    r = rng_of(seed, "config")
    j = lambda a, b: round(float(r.uniform(a, b)), 4)
    c = {
        "input_strength": 1.0 if diffusion else 1.3,
        "upper_face_smoothing": 0.001,
        "lower_face_smoothing": 0.006 if diffusion else 0.0023,
        "upper_face_strength": 1.0,
        "lower_face_strength": j(1.0, 1.5),
        "face_mask_level": j(0.5, 0.65),
        "face_mask_softness": 0.0085,
        "skin_strength": j(0.9, 1.2),
        "blink_strength": 1.0,
        "lower_teeth_strength": j(1.0, 1.4),
        "lower_teeth_height_offset": j(-0.2, 0.1),
        "lower_teeth_depth_offset": j(0, 0.2),
        "lip_open_offset": j(-0.05, 0.05),
        "tongue_strength": j(1.2, 1.6),
        "tongue_height_offset": j(0, 0.3),
        "tongue_depth_offset": j(-0.2, 0.2),
        "eyeballs_strength": 1.0,
        "saccade_strength": j(0.5, 0.9),
        "right_eye_rot_x_offset": 0.0,
        "right_eye_rot_y_offset": -2.0,
        "left_eye_rot_x_offset": 0.0,
        "left_eye_rot_y_offset": 2.0,
        "eyelid_open_offset": j(0, 0.08),
        "eye_saccade_seed": 0,
    }
    if shot is not None:
        c["source_shot"], c["source_frame"] = shot
    return {"config": c}


def emotion_config(seed):
    """Post-processing parameters of an Audio2Emotion folder."""
    r = rng_of(seed, "a2e")
    return {
        "post_processing_config": {
            "output_emotion_length": 10,
            "emotion_contrast": 1.0,
            "max_emotions": 6,
            "live_blend_coef": 0.7,
            "enable_preferred_emotion": False,
            "preferred_emotion_strength": 0.5,
            "transition_smoothing": 0.5,
            "fixed_dt": 0.033,
            "emotion_strength": 0.6,
            "preferred_emotion": [round(float(x), 3) for x in r.uniform(0, 0.3, 10)],
            "emotion_correspondence": {"angry": 1, "disgust": 3, "fear": 4, "happy": 6, "neutral": -1, "sad": 9},
        }
    }
