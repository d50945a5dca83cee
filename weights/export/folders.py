"""The files of a deploy folder other than the network: geometry, blendshapes, sizes, configurations."""
import json
import os
import zlib

import numpy as np

from actors import actor_geometry
from configs import animator_config, emotion_config, skin_solver_config, tongue_solver_config
from diffusion import STREAMING
from names import A2E_EMOTIONS, ARKIT, TONGUE
from synthetic import modes, rng_of


def dump(path, obj):
    with open(path, "w") as f:
        json.dump(obj, f, indent=4)
        f.write("\n")


def savez(path, compress, **arrays):
    (np.savez_compressed if compress else np.savez)(path, **arrays)


def write_blendshapes(out, suffix, g, compress, mask=True):
    """bs_skin*.npz/json and bs_tongue*.npz/json of the geometry g; returns the entry for model.json."""
    diagonal = lambda p: float(np.linalg.norm(np.ptp(p, axis=0)))
    solver = {"skin": skin_solver_config(diagonal(g["skin"]) * 1.01), "tongue": tongue_solver_config(diagonal(g["tongue"]))}
    entry = {}
    for part, poses in (("skin", ARKIT), ("tongue", TONGUE)):
        data, config = f"bs_{part}{suffix}.npz", f"bs_{part}_config{suffix}.json"
        names = np.array([b"neutral"] + [n.encode() for n in poses])
        extra = {"frontalMask": g["mask"]} if mask and part == "skin" else {}
        savez(os.path.join(out, data), compress, poseNames=names, neutral=g[part], **g[part + "_poses"], **extra)
        dump(os.path.join(out, config), {"blendshape_params": solver[part]})
        entry[part] = {"config": config, "data": data}
    return entry


def write_emotion_db(out, seed, length, compress):
    """implicit_emo_db.npz; returns the shot and frame that model_config.json names."""
    r = rng_of(seed, "emodb")
    names, sizes = ["cp1_neutral", "cp24_joy", "eg3_neutral_long_name", "muted0"], [7, 5, 9, 3]
    start = np.cumsum([0] + sizes[:-1]).astype(np.int32)
    db = (0.5 * r.standard_normal((sum(sizes), length))).astype(np.float32)
    savez(os.path.join(out, "implicit_emo_db.npz"), compress, emo_db=db, emo_spec_names=np.array(names, dtype="S"),
          emo_spec_start=start, emo_spec_size=np.array(sizes, np.int32))
    return "cp24_joy", 2


def regression_files(out, c, seed):
    """Everything beside network.onnx of a regression folder with the sizes c."""
    actor = c["actor"]
    g = actor_geometry(seed, actor, c["verts_skin"], c["verts_tongue"], c["jaw"] // 3)
    r = rng_of(seed, "modes")
    savez(
        os.path.join(out, "model_data.npz"), c["compress"],
        shapes_matrix_skin=modes(g["skin"], c["shapes_skin"], r, 0.5), shapes_mean_skin=g["skin"],
        lip_open_pose_delta=g["lip_open"], eye_close_pose_delta=g["eye_close"],
        shapes_matrix_tongue=modes(g["tongue"], c["shapes_tongue"], r, 0.3), shapes_mean_tongue=g["tongue"],
        neutral_jaw=g["jaw"], saccade_rot_matrix=g["saccade"],
    )  # fmt: skip
    shot = write_emotion_db(out, seed, c["implicit"], c["compress"])
    dump(os.path.join(out, "model_config.json"), animator_config(False, seed, shot))
    bs = write_blendshapes(out, f"_{actor}" if c["tags"] else "", g, c["compress"], c["mask"])
    emotions = c["emotions"]
    dump(os.path.join(out, "network_info.json"), {
        "id": {"type": "regression", "actor": actor, "version": "0.1", "output": "geometry"},
        "params": {
            "implicit_emotion_len": c["implicit"], "explicit_emotions": emotions, "default_emotion": [0.0] * len(emotions),
            "identities": [actor], "num_shapes_skin": c["shapes_skin"], "num_verts_skin": c["verts_skin"],
            "num_shapes_tongue": c["shapes_tongue"], "num_verts_tongue": c["verts_tongue"],
            "result_jaw_size": c["jaw"], "result_eyes_size": c["eyes"],
        },
        "audio_params": {"buffer_len": c["buffer_len"], "buffer_ofs": c["buffer_ofs"], "samplerate": 16000},
    })  # fmt: skip
    n, e = c["buffer_len"], c["implicit"] + len(emotions)
    shape = lambda which, b: f"--{which}Shapes=input:{b}x1x{n},emotion:{b}x1x{e}"
    dump(os.path.join(out, "trt_info.json"), {"trt_build_param": {
        "cuda_in_graphics": ["--memPoolSize=tacticSharedMem:0.046875"],
        "batch": [shape("min", 1), shape("max", "{MAX_BATCH_SIZE}"), shape("opt", "{OPT_BATCH_SIZE}")],
    }})  # fmt: skip
    dump(os.path.join(out, "model.json"), {
        "networkInfoPath": "network_info.json", "networkPath": "network.trt", "modelConfigPath": "model_config.json",
        "modelDataPath": "model_data.npz", "emotionDatabasePath": "implicit_emo_db.npz", "blendshapePaths": bs,
    })  # fmt: skip


def diffusion_files(out, c, seed, actors):
    """Everything beside network.onnx of a diffusion folder; actors: the geometry of each identity."""
    bs = []
    for a, g in zip(c["actors"], actors):
        extra = {}
        if c["extras"]:  # the framework's own deploy data has more arrays than a reader needs
            r = rng_of(seed, "extras", a)
            extra = {
                "shapes_matrix_skin": modes(g["skin"], 6, r, 0.5), "shapes_mean_skin": g["skin"],
                "shapes_matrix_tongue": modes(g["tongue"], 4, r, 0.3), "shapes_mean_tongue": g["tongue"],
                "blink_keys": np.linspace(0, 1, 100, dtype=np.float32),
            }  # fmt: skip
        savez(
            os.path.join(out, f"model_data_{a}.npz"), c["compress"], neutral_skin=g["skin"], lip_open_pose_delta=g["lip_open"],
            eye_close_pose_delta=g["eye_close"], neutral_tongue=g["tongue"], neutral_jaw=g["jaw"], saccade_rot_matrix=g["saccade"], **extra,
        )  # fmt: skip
        dump(os.path.join(out, f"model_config_{a}.json"), animator_config(True, seed + zlib.crc32(a.encode()) % 1000))
        bs.append(write_blendshapes(out, f"_{a}", g, c["compress"], c["mask"]))
    left, block, right = STREAMING[c["fps"]]
    emotions = c["emotions"]
    dims = [c["verts_skin"] * 3, c["verts_tongue"] * 3, c["jaw"], c["eyes"]]
    dump(os.path.join(out, "network_info.json"), {
        "id": {"type": "diffusion", "actor": c["actors"][0] if len(c["actors"]) == 1 else "multi", "version": "0.1", "output": "geometry"},
        "params": {
            "emotions": emotions, "default_emotion": [0.0] * len(emotions), "identities": list(c["actors"]),
            "skin_size": dims[0], "tongue_size": dims[1], "jaw_size": dims[2], "eyes_size": dims[3],
            "num_diffusion_steps": c["steps"], "num_gru_layers": c["gru_layers"], "gru_latent_dim": c["gru"],
            "num_frames_left_truncate": left, "num_frames_right_truncate": right, "num_frames_center": block,
        },
        "audio_params": {"buffer_len": c["window"], "padding_left": c["window"], "padding_right": c["window"], "samplerate": 16000},
    })  # fmt: skip

    frames = f"{block}x" if c["emotion_frames"] else ""

    def shape(which, b):
        return (f"--{which}Shapes=window:{b}x{c['window']},identity:{b}x{len(c['actors'])},emotion:{b}x{frames}{len(emotions)},"
                f"input_latents:{c['steps']}x{c['gru_layers']}x{b}x{c['gru']},noise:{b}x{c['steps'] + 1}x{left + block + right}x{sum(dims)}")  # fmt: skip

    dump(os.path.join(out, "trt_info.json"), {
        "estimated_trt_builder_time": 150,
        "trt_build_param": {
            "cuda_in_graphics": ["--memPoolSize=tacticSharedMem:0.046875"],
            "batch": [shape("min", 1), shape("max", "{MAX_BATCH_SIZE}"), shape("opt", "{OPT_BATCH_SIZE}")],
        },
        "defaults": {"MAX_BATCH_SIZE": 8, "OPT_BATCH_SIZE": 3},
    })  # fmt: skip
    dump(os.path.join(out, "model.json"), {
        "networkInfoPath": "network_info.json", "networkPath": "network.trt",
        "modelConfigPaths": [f"model_config_{a}.json" for a in c["actors"]],
        "modelDataPaths": [f"model_data_{a}.npz" for a in c["actors"]], "blendshapePaths": bs,
    })  # fmt: skip


def emotion_files(out, c, seed):
    """Everything beside network.onnx of an Audio2Emotion folder."""
    dump(os.path.join(out, "model.json"), {
        "networkInfoPath": "network_info.json", "networkPath": "network.trt", "modelConfigPath": "model_config.json"})  # fmt: skip
    dump(os.path.join(out, "network_info.json"), {
        "id": {"type": "classifier", "version": "0.1", "output": "emotion"}, "audio_params": {"samplerate": 16000},
        "emotions": (A2E_EMOTIONS + [f"label{i}" for i in range(99)])[: c["labels"]]})  # fmt: skip
    dump(os.path.join(out, "model_config.json"), emotion_config(seed))
    dump(os.path.join(out, "trt_info.json"), {
        "trt_build_param": {"batch": ["--minShapes=input_values:1x5000", "--maxShapes=input_values:{MAX_BATCH_SIZE}x{MAX_BUFFER_LEN}",
                                      "--optShapes=input_values:{OPT_BATCH_SIZE}x30000"]},
        "defaults": {"MAX_BATCH_SIZE": 8, "OPT_BATCH_SIZE": 1, "MAX_BUFFER_LEN": 60000}})  # fmt: skip
