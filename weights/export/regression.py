"""The regression network: one audio window and one emotion row in, PCA coefficients of skin and tongue, jaw points and eyes out."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchaudio

from speech_encoder import CONV_KERNELS, CONV_STRIDES, speech_frames, torchaudio_sdpa_forward

SQRT2 = float(np.float32(2.0**0.5))
AUDIO_GAIN = float(np.float32(8.912028121636435))

REGRESSION = dict(
    use_w2v=True, use_autocorr=True, w2v_layers=1, conv_dim=512, dim=768, ff=3072, heads=12, pos_kernel=128, pos_groups=16,
    channels=256, freq=(72, 108, 162, 243), lags=32, windows=25, win_len=640, win_stride=320,
    implicit=16, emotions=10, emo_emb=8, shapes_skin=272, verts_skin=61520, shapes_tongue=10, verts_tongue=5602, jaw=15, eyes=4,
    buffer_len=8320, buffer_ofs=4160, actor="mark", attn="native", pos_conv="g_v",
    opset=14, folding=True, compress=False, tags=False, mask=True, export_batch=1,
)  # fmt: skip


def fold_seq(f, x):
    """Applies f with batch and sequence merged."""
    b, s = x.shape[:2]
    y = f(x.view([b * s] + list(x.shape)[2:]))
    return y.view([b, s] + list(y.shape)[1:])


def relu2(x):
    return F.leaky_relu(x, 0.0) * SQRT2


def with_emotion(x, e):
    """Appends e [B, S, E] to the channels (axis 2) of x [B, S, C, ...]."""
    extra = x.dim() - 3
    if extra:
        e = e[(...,) + (None,) * extra].repeat([1, 1, 1] + [x.shape[3 + i] for i in range(extra)])
    return torch.cat((x, e), dim=2)


class AutoCorr(nn.Module):
    def __init__(self, lags, windows, length, stride):
        super().__init__()
        self.lags, self.windows, self.length, self.stride = lags, windows, length, stride
        self.window = torch.tensor(np.hanning(length)[None, None, None])  # float64, cast when used

    def forward(self, x):
        b, s = x.shape[:2]
        index = np.arange(self.windows)[:, None] * self.stride + np.arange(self.length)[None]
        w = x[:, :, index]
        w = w - w.mean(dim=3, keepdim=True)
        win = self.window
        if x.dtype == torch.float64:
            win = win.float()  # the graph rounds it to float32
        w = (w * win.to(w)).view(-1, self.length)
        r = torch.stack([(w[:, : self.length - k] * w[:, k:]).sum(dim=1) for k in range(self.lags)]).t()
        return r.view(b, s, 1, self.windows, self.lags) * float(np.float32(1.0 / self.length))


class Regression(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        ch, joint = c["channels"], c["implicit"] + c["emo_emb"]
        nexp = len(c["emotions"])
        width = 0
        if c["use_w2v"]:
            self.w2v = torchaudio.models.wav2vec2_model(
                extractor_mode="group_norm",
                extractor_conv_layer_config=[(c["conv_dim"], k, s) for k, s in zip(CONV_KERNELS, CONV_STRIDES)],
                extractor_conv_bias=False,
                encoder_embed_dim=c["dim"],
                encoder_projection_dropout=0.1,
                encoder_pos_conv_kernel=c["pos_kernel"],
                encoder_pos_conv_groups=c["pos_groups"],
                encoder_num_layers=c["w2v_layers"],
                encoder_num_heads=c["heads"],
                encoder_attention_dropout=0.1,
                encoder_ff_interm_features=c["ff"],
                encoder_ff_interm_dropout=0.0,
                encoder_dropout=0.1,
                encoder_layer_norm_first=False,
                encoder_layer_drop=0.05,
                aux_num_out=None,
            )
            if c["attn"] == "sdpa":
                for layer in self.w2v.encoder.transformer.layers:
                    a = layer.attention
                    a.forward = torchaudio_sdpa_forward.__get__(a)
            self.w2v_feature_coeffs = nn.Parameter(torch.ones(c["w2v_layers"]))
            self.w2v_linear_mapping = nn.Linear(c["dim"], ch)
            width += ch
        if c["use_autocorr"]:
            self.autocorr = AutoCorr(c["lags"], c["windows"], c["win_len"], c["win_stride"])
            f = c["freq"]
            conv = lambda a, b: nn.Conv2d(a, b, (1, 3), stride=(1, 2), padding=(0, 1))
            self.freq1, self.freq2, self.freq3, self.freq4 = conv(1, f[0]), conv(f[0], f[1]), conv(f[1], f[2]), conv(f[2], f[3])
            rest = c["lags"]
            for _ in range(4):
                rest = (rest - 1) // 2 + 1
            self.freq5 = nn.Conv2d(f[3], ch, (1, rest))
            width += ch
        conv = lambda a: nn.Conv2d(a, ch, (3, 1), stride=(2, 1), padding=(1, 0))
        self.time1, self.time2, self.time3, self.time4 = conv(width), conv(ch + joint), conv(ch + joint), conv(ch + joint)
        frames = speech_frames(c["buffer_len"]) if c["use_w2v"] else c["windows"]
        assert not c["use_autocorr"] or frames == c["windows"], (frames, c["windows"])
        for _ in range(4):
            frames = (frames - 1) // 2 + 1
        self.time5 = nn.Linear(frames * (ch + joint), ch)
        sje = c["shapes_skin"] + c["jaw"] + c["eyes"]
        self.linear_skin_jaw_eyes1, self.linear_skin_jaw_eyes2 = nn.Linear(ch + joint, sje), nn.Linear(sje, sje)
        nt = c["shapes_tongue"]
        self.linear_tongue1, self.linear_tongue2 = nn.Linear(ch + joint, nt), nn.Linear(nt, nt)
        self.linear_explicit_emo = nn.Linear(nexp, c["emo_emb"])

    def mixed_layers(self, x):
        f, _ = self.w2v.extract_features(x)
        f = torch.stack(f, dim=-1)
        return (self.w2v_feature_coeffs * f).sum(dim=-1) / self.w2v_feature_coeffs.sum()

    def forward(self, input, emotion):
        c = self.c
        implicit = emotion[:, :, : c["implicit"]]
        explicit = self.linear_explicit_emo(emotion[:, :, c["implicit"] :])
        parts = []
        if c["use_w2v"]:
            w = fold_seq(self.mixed_layers, input * 1.0)
            w = F.relu(self.w2v_linear_mapping(w))
            parts.append(w.permute(0, 1, 3, 2)[..., None])
        if c["use_autocorr"]:
            a = self.autocorr(input * AUDIO_GAIN)
            for conv in (self.freq1, self.freq2, self.freq3, self.freq4, self.freq5):
                a = relu2(fold_seq(conv, a))
            parts.append(a)
        x = relu2(fold_seq(self.time1, torch.cat(parts, dim=-3)))
        for conv in (self.time2, self.time3, self.time4):
            x = relu2(fold_seq(conv, with_emotion(with_emotion(x, implicit), explicit)))
        x = with_emotion(with_emotion(x, implicit), explicit)
        x = relu2(fold_seq(self.time5, x.view(x.shape[0], x.shape[1], -1)))
        x = with_emotion(with_emotion(x, implicit), explicit)
        s = fold_seq(self.linear_skin_jaw_eyes2, fold_seq(self.linear_skin_jaw_eyes1, x))
        t = fold_seq(self.linear_tongue2, fold_seq(self.linear_tongue1, x))
        n = c["shapes_skin"]
        return torch.cat((s[:, :, :n], t, s[:, :, n:]), dim=2)
