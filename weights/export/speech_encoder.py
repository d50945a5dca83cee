"""HuBERT / wav2vec2 speech encoder under Hugging Face's module names, and the spellings that exporters give its parts.

A graph's attention and its weight-normed positional convolution look different from exporter to exporter, with the same numbers.

`pos_conv`, the positional convolution:
  g_v           torch.nn.utils.weight_norm              conv.weight_g, conv.weight_v
  parametrized  parametrizations.weight_norm (torch 2)  conv.parametrizations.weight.original0 (= g), .original1 (= v)
  removed       weight norm folded into conv.weight

`attn`, the attention:
  bmm     q scaled, batch and heads merged: [B * heads, T, head]
  sdpa    scaled_dot_product_attention as torch >= 2.1 exports it: the scale comes from q's shape, its root goes into q and k
  mm4d    [B, heads, T, head], scores scaled after the product
  native  (regression only) torchaudio 0.13's own: q scaled, 4-D products, row maximum subtracted before the softmax
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

CONV_KERNELS = (10, 3, 3, 3, 3, 2, 2)
CONV_STRIDES = (5, 2, 2, 2, 2, 2, 2)


class _Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, g, v):
        return torch._weight_norm(v, g, self.dim)

    def right_inverse(self, w):
        return torch.norm_except_dim(w, 2, self.dim), w


def respell_pos_conv(conv, variant):
    if variant == "g_v":
        return
    g, v = conv.weight_g.data.clone(), conv.weight_v.data.clone()
    nn.utils.remove_weight_norm(conv)
    if variant == "removed":
        return
    if variant != "parametrized":
        raise ValueError(variant)
    nn.utils.parametrize.register_parametrization(conv, "weight", _Norm(2))
    conv.parametrizations.weight.original0.data = g
    conv.parametrizations.weight.original1.data = v


class Sdpa(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        s = q.shape[-1] ** -0.25
        return torch.softmax((q * s) @ (k * s).transpose(-2, -1), -1) @ v

    @staticmethod
    def symbolic(g, q, k, v):
        c = lambda x: g.op("Constant", value_t=torch.tensor(x))
        last = g.op("Slice", g.op("Shape", q), c([-1]), c([9223372036854775807]))
        scale = g.op("Div", c([1.0]), g.op("Sqrt", g.op("Cast", last, to_i=1)))
        scale = g.op("Cast", scale, to_i=1)
        kt = g.op("Transpose", k, perm_i=[0, 1, 3, 2])
        qs = g.op("Mul", q, g.op("Sqrt", scale))
        ks = g.op("Mul", kt, g.op("Sqrt", scale))
        return g.op("MatMul", g.op("Softmax", g.op("MatMul", qs, ks), axis_i=-1), v)


def torchaudio_sdpa_forward(self, x, attention_mask=None):
    """torchaudio >= 2.1's self attention, for the "sdpa" spelling of the regression net."""
    b, n, d = x.size()
    split = lambda y: y.view(b, n, self.num_heads, self.head_dim).transpose(2, 1)
    y = Sdpa.apply(split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x)))
    return self.out_proj(y.transpose(2, 1).reshape(b, n, d))


class ConvLayer(nn.Module):
    def __init__(self, cin, cout, kernel, stride, bias, norm):
        super().__init__()
        self.conv = nn.Conv1d(cin, cout, kernel, stride=stride, bias=bias)
        self.kind = norm
        if norm == "group":
            self.layer_norm = nn.GroupNorm(cout, cout)
        elif norm == "layer":
            self.layer_norm = nn.LayerNorm(cout)

    def forward(self, x):
        x = self.conv(x)
        if self.kind == "group":
            x = self.layer_norm(x)
        elif self.kind == "layer":
            x = self.layer_norm(x.transpose(-2, -1)).transpose(-2, -1)
        return F.gelu(x)


class FeatureEncoder(nn.Module):
    def __init__(self, dim, large):
        super().__init__()
        norm = lambda i: "layer" if large else ("group" if i == 0 else None)
        self.conv_layers = nn.ModuleList(
            [ConvLayer(dim if i else 1, dim, k, s, large, norm(i)) for i, (k, s) in enumerate(zip(CONV_KERNELS, CONV_STRIDES))]
        )

    def forward(self, x):
        x = x[:, None]
        for layer in self.conv_layers:
            x = layer(x)
        return x


class FeatureProjection(nn.Module):
    def __init__(self, cin, dim):
        super().__init__()
        self.layer_norm = nn.LayerNorm(cin)
        self.projection = nn.Linear(cin, dim)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x):
        return self.dropout(self.projection(self.layer_norm(x)))


class PosConv(nn.Module):
    def __init__(self, dim, kernel, groups):
        super().__init__()
        conv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=groups)
        self.conv = nn.utils.weight_norm(conv, name="weight", dim=2)
        self.cut = 1 - kernel % 2

    def forward(self, x):
        x = self.conv(x.transpose(1, 2))
        if self.cut:
            x = x[:, :, : -self.cut]
        return F.gelu(x).transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, dim, heads, style):
        super().__init__()
        self.heads, self.hd, self.style = heads, dim // heads, style
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(dim, dim) for _ in range(4))

    def split(self, x, b):
        return x.view(b, -1, self.heads, self.hd).transpose(1, 2).contiguous()

    def forward(self, x):
        b, n, d = x.size()
        q = self.q_proj(x)
        if self.style == "bmm":
            q = q * self.hd**-0.5
            k, v = self.split(self.k_proj(x), b), self.split(self.v_proj(x), b)
            flat = (b * self.heads, -1, self.hd)
            q, k, v = self.split(q, b).view(*flat), k.view(*flat), v.view(*flat)
            p = F.softmax(torch.bmm(q, k.transpose(1, 2)), dim=-1)
            y = torch.bmm(F.dropout(p, 0.1, self.training), v)
            y = y.view(b, self.heads, n, self.hd).transpose(1, 2)
        else:
            q, k, v = self.split(q, b), self.split(self.k_proj(x), b), self.split(self.v_proj(x), b)
            if self.style == "sdpa":
                y = Sdpa.apply(q, k, v)
            else:
                y = F.softmax(torch.matmul(q, k.transpose(2, 3)) * self.hd**-0.5, dim=-1) @ v
            y = y.transpose(1, 2)
        return self.out_proj(y.reshape(b, n, d))


class FeedForward(nn.Module):
    def __init__(self, dim, ff):
        super().__init__()
        self.intermediate_dense, self.output_dense = nn.Linear(dim, ff), nn.Linear(ff, dim)
        self.intermediate_dropout, self.output_dropout = nn.Dropout(0.1), nn.Dropout(0.1)

    def forward(self, x):
        return self.output_dropout(self.output_dense(self.intermediate_dropout(F.gelu(self.intermediate_dense(x)))))


class EncoderLayer(nn.Module):
    def __init__(self, dim, ff, heads, style, pre_norm):
        super().__init__()
        self.pre_norm = pre_norm
        self.attention = Attention(dim, heads, style)
        self.dropout = nn.Dropout(0.1)
        self.layer_norm = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim, ff)
        self.final_layer_norm = nn.LayerNorm(dim)

    def forward(self, x):
        if self.pre_norm:
            x = x + self.dropout(self.attention(self.layer_norm(x)))
            return x + self.feed_forward(self.final_layer_norm(x))
        x = self.layer_norm(x + self.dropout(self.attention(x)))
        return self.final_layer_norm(x + self.feed_forward(x))


class Encoder(nn.Module):
    def __init__(self, dim, ff, heads, layers, pos_kernel, pos_groups, style, pre_norm):
        super().__init__()
        self.pre_norm = pre_norm
        self.pos_conv_embed = PosConv(dim, pos_kernel, pos_groups)
        self.layer_norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(0.1)
        self.layers = nn.ModuleList([EncoderLayer(dim, ff, heads, style, pre_norm) for _ in range(layers)])

    def forward(self, x):
        x = x + self.pos_conv_embed(x)
        x = self.dropout(x if self.pre_norm else self.layer_norm(x))
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x) if self.pre_norm else x


class SpeechModel(nn.Module):
    """HubertModel / Wav2Vec2Model: [B, L] -> [B, T, dim]. large: layer norm on every conv, biased convs, pre-norm encoder."""

    def __init__(self, c, large=False):
        super().__init__()
        self.feature_extractor = FeatureEncoder(c["conv_dim"], large)
        self.feature_projection = FeatureProjection(c["conv_dim"], c["dim"])
        self.encoder = Encoder(c["dim"], c["ff"], c["heads"], c["layers"], c["pos_kernel"], c["pos_groups"], c["attn"], large)
        self.masked_spec_embed = nn.Parameter(torch.rand(c["dim"]))  # in the checkpoint, never in the graph

    def forward(self, x):
        return self.encoder(self.feature_projection(self.feature_extractor(x).transpose(1, 2)))


def speech_frames(length):
    for k, s in zip(CONV_KERNELS, CONV_STRIDES):
        length = (length - k) // s + 1
    return length
