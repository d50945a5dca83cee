"""What happens to speech before the network hears it: resampling, colour, room, noise, level; and sounds that are no speech."""
from fractions import Fraction

import numpy as np
from scipy import signal

from layout import RATE


def to_16k(audio, rate, stretch=1.0):
    """Resamples to 16 kHz; stretch > 1 plays faster and higher, as a smaller speaker would sound."""
    ratio = Fraction(RATE / (rate * stretch)).limit_denominator(500)
    return signal.resample_poly(audio, ratio.numerator, ratio.denominator).astype(np.float32)


def noise(n, colour, rng):
    """Unit-variance noise whose spectrum falls as f^-colour (0 white, 1 pink in amplitude, 2 brown)."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 40.0)
    x = np.fft.irfft(spectrum * f ** (-0.5 * colour), n)
    return (x / (x.std() + 1e-9)).astype(np.float32)


def level(audio, decibels):
    """Scales the loud half of the signal to this RMS relative to full scale."""
    rms = np.sqrt(np.mean(np.square(audio[np.abs(audio) > 0.1 * np.abs(audio).max()])) + 1e-12)
    return audio * (10 ** (decibels / 20) / rms)


def colour(audio, rng):
    """A random microphone: spectral tilt, sometimes a narrow band, sometimes a little room."""
    audio = signal.lfilter([1, -rng.uniform(-0.5, 0.7)], [1], audio)
    if rng.random() < 0.35:
        sos = signal.butter(2, [rng.uniform(60, 280), rng.uniform(3300, 7600)], "bandpass", fs=RATE, output="sos")
        audio = signal.sosfilt(sos, audio)
    if rng.random() < 0.25:
        n = int(RATE * rng.uniform(0.08, 0.25))
        tail = rng.standard_normal(n) * np.exp(-6.0 * np.arange(n) / n)
        tail *= rng.uniform(0.1, 0.4) / np.sqrt((tail**2).sum())
        audio = audio + np.convolve(audio, tail)[: len(audio)]
    return audio


def non_speech(n, rng):
    """Noise, tones, clicks, hum or nothing: the face should rest."""
    t = np.arange(n) / RATE
    kind = rng.integers(6)
    if kind == 0:
        x = np.zeros(n)
    elif kind in (1, 2):
        x = noise(n, rng.uniform(0, 2), rng) * 10 ** (rng.uniform(-65, -28) / 20)
    elif kind == 3:
        x = 10 ** (rng.uniform(-45, -14) / 20) * np.sin(2 * np.pi * rng.uniform(100, 4000) * t)
    elif kind == 4:
        x = np.zeros(n)
        x[rng.integers(0, n, max(1, n // 6000))] = rng.uniform(-0.7, 0.7)
        x = signal.lfilter([1], [1, -rng.uniform(0.3, 0.95)], x)
    else:
        x = 10 ** (rng.uniform(-50, -28) / 20) * signal.square(2 * np.pi * rng.choice([50, 60, 100]) * t)
    return (x + noise(n, 1.0, rng) * 10 ** (rng.uniform(-90, -60) / 20)).astype(np.float32)


def recording(audio, pad, rng):
    """Clean speech at 16 kHz -> a noisy, coloured, levelled recording with pad samples of background on both sides."""
    audio = level(colour(audio, rng), rng.uniform(-34, -15))
    x = np.concatenate([np.zeros(pad), audio, np.zeros(pad)])
    floor = rng.uniform(18, 60)  # decibels below speech
    rms = np.sqrt(np.mean(audio**2))
    x = x + noise(len(x), rng.uniform(0, 2), rng) * rms * 10 ** (-floor / 20)
    return np.clip(x, -1, 1).astype(np.float32)
