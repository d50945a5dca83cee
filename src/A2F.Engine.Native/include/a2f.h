/*
 * a2f.h: speech in, facial animation out. The C interface of A2F.Engine; docs/c-api.md is its guide.
 *
 * Rules that hold for every function:
 *
 * - It returns A2F_OK, A2F_NO_FRAME where that is documented, or a code above 0: what went wrong, told by a2f_last_error().
 * - Handles are numbers in pointers' clothing and are never dereferenced. One that is null, made up, of another kind or already destroyed
 *   gives A2F_ERROR_BAD_HANDLE. All pointers that are not handles must be good: null gives A2F_ERROR_INVALID_ARGUMENT, garbage crashes.
 * - Any thread may call it at any time, also while another call on the same handle runs. Where it waits for another call, that is documented.
 * - A function that fails changes nothing, unless it says otherwise.
 * - Texts are UTF-8 and end with a zero byte. Audio is mono at 16 kHz, full scale at -1 to 1.
 * - Structs begin with struct_size, their size in bytes as the caller knows it. An older, smaller one gets defaults for what it lacks; a newer,
 *   larger one is taken as long as what this library does not know is zero. The functions named _init fill in the size and the defaults.
 *
 * 64-bit systems only. The library cannot be unloaded once it is loaded, and a process that has called it must not go on after fork() in the child.
 */
#ifndef A2F_H
#define A2F_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define A2F_API __declspec(dllimport)
#define A2F_CALL __cdecl
#else
#define A2F_API
#define A2F_CALL
#endif

/* ------------------------------------------------------------------------------------------------------------------ version and errors */

/* Version of this header. Libraries of the same major number and the same or a higher minor number fit it. */
#define A2F_ABI_MAJOR 1
#define A2F_ABI_MINOR 0
#define A2F_ABI_VERSION ((A2F_ABI_MAJOR << 16) | A2F_ABI_MINOR)

/* What functions return. Codes up to 99 are those of the .NET library's A2FErrorCode. */
enum {
    A2F_NO_FRAME = -1,                   /* there is no frame to read; no error */
    A2F_OK = 0,
    A2F_ERROR_INVALID_ARGUMENT = 1,      /* an argument is wrong: a bad name, a bad combination, a wrong length */
    A2F_ERROR_FILE_NOT_FOUND = 2,        /* a file or folder does not exist */
    A2F_ERROR_INVALID_FILE = 3,          /* a file is not what its format promises */
    A2F_ERROR_INVALID_MODEL = 4,         /* the files are well formed, but no model that this engine can run */
    A2F_ERROR_OUT_OF_RANGE = 5,          /* a number is outside its documented range */
    A2F_ERROR_NOT_FINITE = 6,            /* a number is NaN or infinite */
    A2F_ERROR_DEVICE_UNAVAILABLE = 7,    /* the device or driver is missing or failed */
    A2F_ERROR_OUT_OF_MEMORY = 8,         /* memory ran out, or a file asks for more than the documented limits */
    A2F_ERROR_IO = 9,                    /* the operating system refused a read or a write */
    A2F_ERROR_INTERNAL = 10,             /* a defect of this library */
    A2F_ERROR_BAD_HANDLE = 100,          /* null, made up, of another kind, or already destroyed */
    A2F_ERROR_STRUCT_SIZE = 101,         /* a struct is smaller than any version of it, or sets what this library does not know */
    A2F_ERROR_BUFFER_TOO_SMALL = 102     /* a caller's buffer does not hold the result */
};

/* A2F_ABI_VERSION of the library. */
A2F_API uint32_t A2F_CALL a2f_abi_version(void);

/* Version of the engine, such as "0.1.0". Valid for ever. */
A2F_API const char *A2F_CALL a2f_version_string(void);

/*
 * What went wrong in the last call of this thread that returned a code above 0; "" if none has. Valid until the thread's next such call,
 * and until the thread ends.
 */
A2F_API const char *A2F_CALL a2f_last_error(void);

/* Name of a code, such as "A2F_ERROR_BAD_HANDLE"; "A2F_ERROR_UNKNOWN" for a number that is none. Valid for ever. */
A2F_API const char *A2F_CALL a2f_error_name(int32_t code);

/* ------------------------------------------------------------------------------------------------------------------ hooks */

enum {
    A2F_LOG_ERROR = 1,                   /* a call failed; the text is that of a2f_last_error() after the function's name */
    A2F_LOG_INFO = 3                     /* a model was loaded (where it runs, and why) or released */
};

/* Called on the thread whose call has something to tell, never on one of the library's own. It must not throw or jump out. */
typedef void(A2F_CALL *a2f_log_function)(void *user, int32_t level, const char *message);

/* Says who is told what happens; null for nobody, which is the default. A call that runs meanwhile may still tell the function before. */
A2F_API int32_t A2F_CALL a2f_set_log(a2f_log_function log, void *user);

/* A block of so many bytes at a multiple of alignment (a power of two, at most 2 MiB), or null where memory ran out. */
typedef void *(A2F_CALL *a2f_allocate_function)(void *user, size_t bytes, size_t alignment);

/* Takes back such a block; the same bytes and alignment come with it. */
typedef void(A2F_CALL *a2f_free_function)(void *user, void *block, size_t bytes, size_t alignment);

/*
 * Says where large native memory comes from: packed weights and activations of networks on the CPU, and loaded audio. (Small things and what
 * the animation stage needs live on the heap of the .NET runtime within the library.) Both functions or neither; null brings the system's
 * back. May change at any time: each block goes back to the function that was set with the one it came from. The functions are called on the
 * threads that call the library, several at once, and must not call it.
 */
A2F_API int32_t A2F_CALL a2f_set_allocator(a2f_allocate_function allocate, a2f_free_function free, void *user);

/* ------------------------------------------------------------------------------------------------------------------ audio */

typedef struct a2f_audio a2f_audio;

/* Loads a WAV file of any coding, rate and number of channels as mono samples at 16 kHz. *audio is null where that fails. */
A2F_API int32_t A2F_CALL a2f_audio_load(const char *path, a2f_audio **audio);

/* The samples, valid until the audio is destroyed. Either result may be null for not wanted. */
A2F_API int32_t A2F_CALL a2f_audio_samples(const a2f_audio *audio, const float **samples, size_t *count);

A2F_API int32_t A2F_CALL a2f_audio_destroy(a2f_audio *audio);

/* ------------------------------------------------------------------------------------------------------------------ models */

typedef struct a2f_model a2f_model;

enum { A2F_PRECISION_FP32 = 0, A2F_PRECISION_FP16 = 1 };

typedef struct a2f_model_options {
    uint32_t struct_size;
    uint32_t precision;                  /* A2F_PRECISION_*: how a GPU stores weights and activations; the CPU computes in fp32. Default FP32 */
    const char *device;                  /* "auto" (the first GPU that works, else the CPU), "cpu", "cuda", "cuda:N"; null for "auto" */
    int32_t threads;                     /* of the CPU, the caller's included: 0 to 256. 0, the default: one per processor, at most 8 */
    int32_t max_batch;                   /* windows that run together, 1 to 1024; memory grows with it. Default 8 */
    uint32_t vertices;                   /* 0: a diffusion model takes less memory, and groups cannot put out vertices. Default 1 */
    int32_t emotion_window;              /* samples that an emotion model hears at a time: 400 to 1600000, of which groups, whose characters are
                                            heard twice a second, take 8000 and more. Face models ignore it. Default 60000 */
    const char *baked_kernels;           /* folder of compiled kernels ("a2f kernels bake") for GPUs; null for A2F_KERNELS, or the cache */
    void *cuda_context;                  /* CUcontext to work in, null for the device's primary one. It must outlive the model and its groups */
    void *cuda_stream;                   /* CUstream of that context, no default one, on which kernels are queued behind what is queued there;
                                            null for one of the model's own. It must outlive the model and its groups, too */
    int32_t stream_priority;             /* of CUDA streams of the model's own: 0, the default, is the lowest, -1 is above it and so on; what is
                                            beyond the device's highest is that one */
    uint32_t reserved;                   /* 0 */
} a2f_model_options;

enum {
    A2F_MODEL_REGRESSION = 0,            /* face models: audio and emotions in, faces out */
    A2F_MODEL_DIFFUSION = 1,
    A2F_MODEL_EMOTION = 2                /* hears emotions in audio, for groups on face models: emotion_model of a2f_group_options */
};

/*
 * What a model is. Pointers are valid until the model's handle is destroyed. Of an emotion model: kind, sample_rate, window_samples,
 * class_count, device, device_reason and backend_bytes; other counts are 0.
 */
typedef struct a2f_model_info {
    uint32_t struct_size;
    uint32_t kind;                       /* A2F_MODEL_* */
    int32_t sample_rate;                 /* of the audio that it takes: 16000 */
    int32_t window_samples;              /* samples that it looks at at a time */
    int32_t frames_numerator;            /* frames a second that it makes: 30/1. 0/1: any; options of groups say which */
    int32_t frames_denominator;
    int32_t emotion_count;
    int32_t identity_count;              /* 1 for a regression model */
    int32_t skin_weight_count;
    int32_t tongue_weight_count;
    int32_t skin_vertex_count;
    int32_t tongue_vertex_count;
    int32_t parameter_count;
    int32_t class_count;                 /* emotions that an emotion model tells apart; 0 for face models */
    const float *default_emotion;        /* [emotion_count]: what characters start with */
    const char *device;                  /* what the network runs on, for reports */
    const char *device_reason;           /* why there, where the device was "auto"; else "" */
    uint64_t backend_bytes;              /* that weights and activations hold */
} a2f_model_info;

enum {
    A2F_NAMES_EMOTIONS = 0,
    A2F_NAMES_IDENTITIES = 1,
    A2F_NAMES_SKIN_WEIGHTS = 2,
    A2F_NAMES_TONGUE_WEIGHTS = 3,
    A2F_NAMES_PARAMETERS = 4,            /* those that a2f_character_set_parameter takes */
    A2F_NAMES_CLASSES = 5                /* what an emotion model tells apart */
};

A2F_API int32_t A2F_CALL a2f_model_options_init_sized(a2f_model_options *options, uint32_t struct_size);

/*
 * Loads a model folder of any kind, deploy format or packed. Options may be null for defaults. *model is null where that fails. A context or
 * stream that cannot be used, as the model came to be on the CPU, gives A2F_ERROR_INVALID_ARGUMENT.
 */
A2F_API int32_t A2F_CALL a2f_model_load(const char *folder, const a2f_model_options *options, a2f_model **model);

/* Fills info up to its struct_size. */
A2F_API int32_t A2F_CALL a2f_model_get_info(const a2f_model *model, a2f_model_info *info);

/* A name of a list, A2F_NAMES_*, from 0. Valid until the model's handle is destroyed. */
A2F_API int32_t A2F_CALL a2f_model_get_name(const a2f_model *model, uint32_t list, uint32_t index, const char **name);

/* The handle is gone at once, the model when the last group that uses it is: groups keep working. */
A2F_API int32_t A2F_CALL a2f_model_destroy(a2f_model *model);

/* ------------------------------------------------------------------------------------------------------------------ groups */

typedef struct a2f_group a2f_group;

/* What happens to frames that nobody has read when there is no room for the next. */
enum {
    A2F_WHEN_FULL_DROP_OLDEST = 0,
    A2F_WHEN_FULL_WAIT = 1,              /* the character waits until one is read */
    A2F_WHEN_FULL_GROW = 2               /* room doubles */
};

/* Where the audio lies that an emotion is heard in. */
enum {
    A2F_EMOTION_WINDOWS_CAUSAL = 0,      /* before its moment: no latency, for live audio; an emotion shows a second or so after it is first heard */
    A2F_EMOTION_WINDOWS_CENTRED = 1      /* round its moment: frames wait for half a window of audio, 1.9 s of the usual 60000 samples */
};

typedef struct a2f_character a2f_character;

/*
 * Told of a character that got frames; once a call of a2f_group_tick, _poll or _finish for each, on the thread of that call, before it returns
 * and with no lock held: it may call any function, also to destroy the character, others or the group. It must not throw or jump out. A
 * character that another thread has destroyed meanwhile may still be told of; its handle is refused then.
 */
typedef void(A2F_CALL *a2f_frames_ready_function)(void *user, a2f_character *character);

typedef struct a2f_group_options {
    uint32_t struct_size;
    int32_t capacity;                    /* most characters at a time, 1 to 65535. Default 16 */
    int32_t frames_numerator;            /* frames a second of regression models; a diffusion model has its own. 1 or more. Default 60 */
    int32_t frames_denominator;          /* 1 or more. Default 1 */
    uint32_t vertices;                   /* whether vertices are wanted beside the weights. Default 0 */
    uint32_t device_vertices;            /* whether vertices are made but stay on the GPU: see a2f_frame. Needs the model on a GPU, face_device
                                            null or "model", vertices 0, and a when_full other than GROW. Default 0 */
    int32_t frame_room;                  /* frames that are kept of each character: at least 2, and at least those of a window. Default 64 */
    uint32_t when_full;                  /* A2F_WHEN_FULL_*. Default DROP_OLDEST */
    uint32_t folded;                     /* weights come without any vertex, which is much faster; 0 to compare. Default 1 */
    uint32_t spread_windows;             /* whether windows of several frames, and of the emotion model, that are ready together run in different
                                            ticks; frames come up to half a second later, and are the same. Default 1 */
    int32_t starvation_ticks;            /* ticks after which a character that waits goes first whatever its priority: 0 (first come, first
                                            served) to 1000000. Default 8 */
    float gpu_share;                     /* share of the GPU's time that the group may take, above 0 to 1. Default 1 */
    double tail_seconds;                 /* silence after the end of a character's audio, in which the mouth closes: 0 to 10. Default 0.25 */
    const char *face_device;             /* what the animation stage runs on, as a model's device; null or "model" for where the model is */
    a2f_model *emotion_model;            /* hears emotions for characters with hears_emotions; null for none. The group keeps it, as its model */
    uint32_t emotion_windows;            /* A2F_EMOTION_WINDOWS_*. Default CAUSAL */
    uint32_t reserved;                   /* 0 */
    a2f_frames_ready_function frames_ready; /* null, the default, for nobody to be told */
    void *frames_ready_user;             /* passed to it; must be good as long as a tick, poll or finish of the group runs */
} a2f_group_options;

typedef struct a2f_tick_options {
    uint32_t struct_size;
    int32_t most_windows;                /* that this tick runs; 0, the default, for no bound */
    double most_milliseconds;            /* after which the tick should have ended, 0 to 3600000; 0, the default, for no bound. Kept by foresight:
                                            no batch begins that would take longer, as those before it tell. One window always may */
} a2f_tick_options;

typedef struct a2f_tick_report {
    uint32_t struct_size;
    int32_t windows;                     /* that ran, or that were begun on a GPU, those of the emotion model included */
    double seconds;                      /* that the call took, frames_ready included */
} a2f_tick_report;

A2F_API int32_t A2F_CALL a2f_group_options_init_sized(a2f_group_options *options, uint32_t struct_size);
A2F_API int32_t A2F_CALL a2f_tick_options_init_sized(a2f_tick_options *options, uint32_t struct_size);

/* Makes a group of characters on a model. Options may be null for defaults. *group is null where that fails. */
A2F_API int32_t A2F_CALL a2f_group_create(a2f_model *model, const a2f_group_options *options, a2f_group **group);

/*
 * Runs the windows whose audio is there, and makes their frames readable. Within a tick no character runs a second window before each that is
 * ready has run one; what a bound leaves out runs in later ticks: whoever waited for starvation_ticks first, then higher priorities, then
 * whoever's last window is longest ago. Where the model is on a GPU, the tick begins windows and waits for nothing: their frames can be read
 * after a later tick, poll or finish. Ticks of one group wait for each other; groups on one model take turns with its network alone. What goes
 * wrong with one character stops that one alone: see a2f_character_get_status. Options and report may be null. Once warm, it takes no memory.
 */
A2F_API int32_t A2F_CALL a2f_group_tick(a2f_group *group, const a2f_tick_options *options, a2f_tick_report *report);

/* Makes frames readable that ticks have begun and a GPU has finished since. Waits for a running tick, but not for the GPU; begins nothing. */
A2F_API int32_t A2F_CALL a2f_group_poll(a2f_group *group);

/* As a2f_group_poll, and waits for all that ticks have begun: of the three the only one that waits for a GPU. */
A2F_API int32_t A2F_CALL a2f_group_finish(a2f_group *group);

/* Waits for a running tick. The handles of the group's characters are destroyed with it. */
A2F_API int32_t A2F_CALL a2f_group_destroy(a2f_group *group);

/* ------------------------------------------------------------------------------------------------------------------ characters */

typedef struct a2f_character_options {
    uint32_t struct_size;
    int32_t identity;                    /* of a diffusion model, from 0. -1, the default: the model's first */
    uint64_t seed;                       /* of the noise, where a diffusion model's noise is seeded. Default 0 */
    const char *source_shot;             /* of the implicit emotion of a regression model; null for the model's own */
    int32_t source_frame;                /* within the shot; -1, the default, for the model's own */
    int32_t priority;                    /* any; higher ones go first where a tick is bounded. Default 0 */
    uint32_t hears_emotions;             /* whether its emotions are heard in its audio, by the group's emotion_model. Default 0 */
    uint32_t reserved;                   /* 0 */
} a2f_character_options;

typedef struct a2f_character_status {
    uint32_t struct_size;
    int32_t error;                       /* the code of what stopped the character, or 0; a2f_character_reset starts it again */
    int64_t samples_received;
    int64_t frames_made;
    int64_t frames_unread;
    int64_t frames_dropped;              /* before anybody read them */
    uint32_t finished;                   /* 1: the audio has ended, and all its frames are made */
    uint32_t reserved;
} a2f_character_status;

/*
 * A frame: the caller says where its arrays go, the library fills them and the rest. A null array is not wanted. A capacity, in floats, that
 * is too small gives A2F_ERROR_BUFFER_TOO_SMALL, and no frame is taken.
 */
typedef struct a2f_frame {
    uint32_t struct_size;
    uint32_t stands_in;                  /* out: 1 where a sampled time lies outside the frames that are kept, and the nearest one stands in */
    float *skin_weights;                 /* [skin_weight_count] */
    float *tongue_weights;               /* [tongue_weight_count] */
    float *skin_vertices;                /* [skin_vertex_count, 3] in centimetres; A2F_ERROR_INVALID_ARGUMENT in a group without vertices */
    float *tongue_vertices;              /* [tongue_vertex_count, 3] in centimetres; as skin_vertices */
    uint32_t skin_weight_capacity;
    uint32_t tongue_weight_capacity;
    uint32_t skin_vertex_capacity;       /* in floats: 3 for each vertex */
    uint32_t tongue_vertex_capacity;
    float jaw[16];                       /* out: [4, 4], rigid motion of the lower teeth for column vectors, centimetres */
    float eyes[6];                       /* out: right eye x, y, z, left eye x, y, z, degrees */
    int64_t sequence;                    /* out: number of the frame in the character's track, from 0 */
    int64_t timestamp;                   /* out: sample at 16 kHz that it belongs to */
    double latency_seconds;              /* out: from the push that completed its audio until it could be read */
    uint64_t device_skin_vertices;       /* out: CUDA device pointer of [skin_vertex_count, 3] floats in centimetres in a group with
                                            device_vertices, else 0. They are complete, and untouched until frame_room later frames of the
                                            character can be read, or it is reset or destroyed. Of a sampled frame: those of the frame before */
    uint64_t device_tongue_vertices;     /* out: the same of the tongue */
} a2f_frame;

A2F_API int32_t A2F_CALL a2f_character_options_init_sized(a2f_character_options *options, uint32_t struct_size);

/* Adds a character to a group; waits for a running tick. Options may be null for defaults. *character is null where that fails. */
A2F_API int32_t A2F_CALL a2f_character_create(a2f_group *group, const a2f_character_options *options, a2f_character **character);

/* Removes a character from its group; waits for a running tick. */
A2F_API int32_t A2F_CALL a2f_character_destroy(a2f_character *character);

/* Appends audio: any number of samples up to 2^26, all finite. Never waits for a tick. A2F_ERROR_INVALID_ARGUMENT after the end. */
A2F_API int32_t A2F_CALL a2f_character_push(a2f_character *character, const float *samples, size_t count);

/* As a2f_character_push, for 16-bit samples: full scale at -32768 to 32767. */
A2F_API int32_t A2F_CALL a2f_character_push_int16(a2f_character *character, const int16_t *samples, size_t count);

/* Says that no more audio will come: the last frames look at silence, and some more of it follows (tail_seconds). Twice does nothing. */
A2F_API int32_t A2F_CALL a2f_character_end_audio(a2f_character *character);

/* Takes the oldest frame that was not read. A2F_NO_FRAME where there is none: the frame is untouched. Never waits for a tick. */
A2F_API int32_t A2F_CALL a2f_character_read_frame(a2f_character *character, a2f_frame *frame);

/*
 * The face at any time, in samples at 16 kHz since the start of the audio, linear between frames: for a renderer with a clock of its own. Does
 * not count as reading. A2F_NO_FRAME where none was made yet: the frame is untouched. Never waits for a tick.
 */
A2F_API int32_t A2F_CALL a2f_character_sample_frame(a2f_character *character, double time, a2f_frame *frame);

/* Sets the priority from the next tick on: any number, higher ones go first where a tick is bounded. Never waits for a tick. */
A2F_API int32_t A2F_CALL a2f_character_set_priority(a2f_character *character, int32_t priority);

/*
 * Sets the emotion from now on: emotion_count finite values. A2F_ERROR_INVALID_ARGUMENT for a character that hears its emotions. Waits for a
 * running tick, as do all functions down to reset.
 */
A2F_API int32_t A2F_CALL a2f_character_set_emotion(a2f_character *character, const float *values, size_t count);

/*
 * Sets a parameter by its name in the model's files: "lower_face_strength", "skin.strengthL2regularization" and so on (A2F_NAMES_PARAMETERS;
 * "a2f info MODEL" lists them with their ranges). A number for an array of values per pose fills the array.
 */
A2F_API int32_t A2F_CALL a2f_character_set_parameter(a2f_character *character, const char *name, float value);

/* As a2f_character_set_parameter, from text: "0.5", or "[1, 0.5, 2]" for arrays; "normal" or "energy" for "objective". */
A2F_API int32_t A2F_CALL a2f_character_set_parameter_text(a2f_character *character, const char *name, const char *value);

/* A parameter that is a number; A2F_ERROR_INVALID_ARGUMENT for others. */
A2F_API int32_t A2F_CALL a2f_character_get_parameter(a2f_character *character, const char *name, float *value);

/*
 * Any parameter as text. *length, which may be null, receives the length without the zero byte. Where the capacity in bytes is too small
 * (0 with a null buffer asks for the length), A2F_ERROR_BUFFER_TOO_SMALL, and the buffer is untouched.
 */
A2F_API int32_t A2F_CALL a2f_character_get_parameter_text(
    a2f_character *character, const char *name, char *buffer, size_t capacity, size_t *length);

/* Starts a new track: drops audio, frames, state and error; keeps parameters, priority and the emotion, or hears emotions anew. */
A2F_API int32_t A2F_CALL a2f_character_reset(a2f_character *character);

/* Fills status up to its struct_size. Never waits for a tick. */
A2F_API int32_t A2F_CALL a2f_character_get_status(a2f_character *character, a2f_character_status *status);

/* What stopped the character, "" for nothing; buffers as in a2f_character_get_parameter_text. Never waits for a tick. */
A2F_API int32_t A2F_CALL a2f_character_get_error(a2f_character *character, char *buffer, size_t capacity, size_t *length);

/* ------------------------------------------------------------------------------------------------------------------ defaults */

/* These fill a struct with defaults, and with its size as this header knows it, so that a newer library writes no further. */

static inline int32_t a2f_model_options_init(a2f_model_options *options)
{
    return a2f_model_options_init_sized(options, (uint32_t)sizeof *options);
}

static inline int32_t a2f_group_options_init(a2f_group_options *options)
{
    return a2f_group_options_init_sized(options, (uint32_t)sizeof *options);
}

static inline int32_t a2f_tick_options_init(a2f_tick_options *options)
{
    return a2f_tick_options_init_sized(options, (uint32_t)sizeof *options);
}

static inline int32_t a2f_character_options_init(a2f_character_options *options)
{
    return a2f_character_options_init_sized(options, (uint32_t)sizeof *options);
}

#ifdef __cplusplus
}
#endif

#endif
