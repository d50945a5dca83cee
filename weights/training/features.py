"""Autocorrelation features on a 5 ms grid: the network's first layer, computed once instead of for every window."""
import numpy as np

from layout import HOP
from regression import AUDIO_GAIN

LENGTH, LAGS = 640, 32
HANN = np.hanning(LENGTH).astype(np.float32)


def autocorrelation(audio):
    """audio [samples] float32 in [-1, 1] -> [1 + (samples - 640) // 80, 32]; row r looks at samples 80 r to 80 r + 640."""
    windows = np.lib.stride_tricks.sliding_window_view(audio, LENGTH)[::HOP]
    rows = np.empty((len(windows), LAGS), np.float32)
    for a in range(0, len(windows), 2048):
        w = windows[a : a + 2048] * np.float32(AUDIO_GAIN)
        w = (w - w.mean(1, keepdims=True)) * HANN
        spectrum = np.fft.rfft(w, 2 * LENGTH, axis=1)
        rows[a : a + 2048] = np.fft.irfft(np.abs(spectrum) ** 2, 2 * LENGTH, axis=1)[:, :LAGS] / LENGTH
    return rows
