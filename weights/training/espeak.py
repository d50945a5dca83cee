"""Speech with phoneme times from libespeak-ng through ctypes."""
import ctypes
import ctypes.util

import numpy as np

AUDIO_SYNCHRONOUS = 2
PHONEME_EVENTS = 1  # espeakINITIALIZE_PHONEME_EVENTS
EVENT_LIST_TERMINATED, EVENT_PHONEME = 0, 7
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4
CHARS_UTF8, END_PAUSE = 1, 0x1000


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("name", ctypes.c_char * 8),
    ]  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """One synthesiser a process: the library keeps its state in globals."""

    def __init__(self):
        self.lib = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self.rate = self.lib.espeak_Initialize(AUDIO_SYNCHRONOUS, 100, None, PHONEME_EVENTS)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng did not start; is espeak-ng-data installed?")
        self.callback = _Callback(self._receive)
        self.lib.espeak_SetSynthCallback(self.callback)

    def _receive(self, wav, count, events):
        if wav and count > 0:
            self.audio.append(np.ctypeslib.as_array(wav, (count,)).copy())
        i = 0
        while events[i].type != EVENT_LIST_TERMINATED:
            if events[i].type == EVENT_PHONEME:
                self.phonemes.append((events[i].sample, events[i].name.decode("utf-8", "replace")))
            i += 1
        return 0

    def say(self, text, voice, words_a_minute=165, pitch=50, pitch_range=50):
        """Audio at self.rate as float32 in [-1, 1], and [(start in seconds, phoneme mnemonic), ...]."""
        if self.lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice '{voice}'")
        for parameter, value in ((RATE, words_a_minute), (VOLUME, 90), (PITCH, pitch), (RANGE, pitch_range)):
            self.lib.espeak_SetParameter(parameter, int(value), 0)
        self.audio, self.phonemes = [], []
        data = text.encode("utf-8") + b"\0"
        self.lib.espeak_Synth(data, len(data), 0, 1, 0, CHARS_UTF8 | END_PAUSE, None, None)
        self.lib.espeak_Synchronize()
        audio = np.concatenate(self.audio).astype(np.float32) / 32768.0
        return audio, [(sample / self.rate, name) for sample, name in self.phonemes]
