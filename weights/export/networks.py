"""Builds a network of any kind and size, with weights that depend only on the seed and each tensor's name."""
import math
import zlib

import torch
import torch.nn as nn

from names import ACTORS, EMOTIONS
from diffusion import DIFFUSION, Diffusion, diffusion_geometry
from emotion import EMOTION, Emotion
from regression import REGRESSION, Regression
from speech_encoder import respell_pos_conv

DEFAULTS = {"regression": REGRESSION, "diffusion": DIFFUSION, "emotion": EMOTION}


def gain_of(name):
    """How much larger than 1/sqrt(fan in) a tensor's values are: chosen so that no part of the network dies out."""
    leaf = name.rsplit(".", 1)[0]
    if "feature_extractor" in name:
        return 10.0 if "conv_layers.0." in name else 1.53
    for key, g in (
        ("q_proj", 1.5), ("k_proj", 1.5), ("output_dense", 1.5), ("freq1", 6.0), ("freq", 1.4), ("time1", 1.5), ("w2v_linear_mapping", 2.5),
        ("linear_explicit_emo", 0.7), ("embed_emo_vector", 1.0),
        ("final_layer_skin.2", 0.12), ("final_layer_tongue.2", 0.15), ("final_layer_jaw.2", 0.5), ("final_layer_eye.2", 1.0),
        ("final_layer_", 1.4), ("skin_embedding.1", 1.4), ("tongue_embedding.1", 1.4), ("_embedding", 1.2), ("geometry_embedding.final", 1.4),
        ("classifier.out_proj", 2.0), ("classifier", 2.0), ("projector", 1.5),
    ):  # fmt: skip
        if key in leaf:
            return g
    return 1.0


def seed_weights(net, seed):
    """Fills every parameter from its own stream, so that sizes elsewhere do not change it."""
    for name, p in net.named_parameters():
        g = torch.Generator().manual_seed(zlib.crc32(f"{seed}:{name}".encode()))
        r = lambda: torch.randn(p.shape, generator=g)
        if name.endswith("weight_g"):
            v = dict(net.named_parameters())[name[:-1] + "v"]
            out, k = v.shape[0], v.shape[2]
            p.data = math.sqrt(out / k) * (0.5 + torch.rand(p.shape, generator=g))
        elif "layer_norm" in name:
            p.data = (1.0 if name.endswith("weight") else 0.0) + 0.1 * r()
        elif name == "w2v_feature_coeffs":
            p.data = torch.rand(p.shape, generator=g) + 0.5
        elif "embed_actor" in name or "proj_time.0.weight" in name:
            p.data = 0.7 * r()
        elif p.dim() > 1:
            p.data = r() * (gain_of(name) / math.sqrt(p[0].numel()))
        else:
            p.data = 0.1 * r()
    return net


def complete(kind, sizes):
    """The sizes of a kind with its defaults filled in and counts of names replaced by names."""
    unknown = set(sizes) - set(DEFAULTS[kind])
    if unknown:
        raise ValueError(f"unknown sizes {sorted(unknown)}; known are {sorted(DEFAULTS[kind])}")
    c = {**DEFAULTS[kind], **sizes}
    if isinstance(c.get("emotions"), int):
        n = c["emotions"]
        c["emotions"] = (EMOTIONS + [f"extra{i}" for i in range(99)])[:n]
    if isinstance(c.get("actors"), int):
        c["actors"] = ACTORS[: c["actors"]]
    return c


def build(kind, seed, **sizes):
    """-> (net in eval mode, completed sizes, per-actor geometry or None)"""
    c = complete(kind, sizes)
    actors = None
    if kind == "regression":
        net = Regression(c)
    elif kind == "diffusion":
        actors, geo = diffusion_geometry(c, seed)
        net = Diffusion(c, geo)
    else:
        net = Emotion(c)
    for p in net.parameters():
        p.requires_grad_(False)
    seed_weights(net, seed)
    for m in list(net.modules()):
        if isinstance(m, nn.Conv1d) and hasattr(m, "weight_g"):
            respell_pos_conv(m, c["pos_conv"])
            for p in m.parameters():
                p.requires_grad_(False)
    return net.eval(), c, actors


def to_double(net):
    """In place; also the plain tensors."""
    net.double()
    for m in net.modules():
        for k, v in list(vars(m).items()):
            if torch.is_tensor(v) and v.is_floating_point() and k != "window":
                setattr(m, k, v.double())
    return net
