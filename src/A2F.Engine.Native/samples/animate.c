/*
 * Speech in, blendshape weights out: a WAV file and a model folder become a CSV file, one row for each frame.
 *
 *     cc -std=c99 animate.c -o animate -I../include -L. -la2f -Wl,-rpath,'$ORIGIN'
 *     ./animate weights/default samples/hello.wav hello.csv [DEVICE]
 *
 * DEVICE is "cpu" where it is left out, "auto", "cuda" or "cuda:N". It needs nothing but liba2f.so beside it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "a2f.h"

/* Audio goes in as it would come from a microphone or a voice line: a bit at a time. */
enum { CHUNK = 1600 };

static int failed(const char *what)
{
    fprintf(stderr, "error: %s: %s\n", what, a2f_last_error());
    return 0;
}

static int write_header(FILE *file, const a2f_model *model, const a2f_model_info *info)
{
    const char *name;
    int32_t i;

    fprintf(file, "frame,sample");
    for (i = 0; i < info->skin_weight_count; i++) {
        if (a2f_model_get_name(model, A2F_NAMES_SKIN_WEIGHTS, (uint32_t)i, &name)) return failed("name of a skin weight");
        fprintf(file, ",%s", name);
    }
    for (i = 0; i < info->tongue_weight_count; i++) {
        if (a2f_model_get_name(model, A2F_NAMES_TONGUE_WEIGHTS, (uint32_t)i, &name)) return failed("name of a tongue weight");
        fprintf(file, ",%s", name);
    }
    for (i = 0; i < 16; i++) fprintf(file, ",jaw%d", (int)i);
    for (i = 0; i < 6; i++) fprintf(file, ",eye%d", (int)i);
    fprintf(file, "\n");
    return 1;
}

static void write_row(FILE *file, const a2f_frame *frame)
{
    uint32_t i;

    fprintf(file, "%" PRId64 ",%" PRId64, frame->sequence, frame->timestamp);
    /* Nine digits bring a float back exactly. */
    for (i = 0; i < frame->skin_weight_capacity; i++) fprintf(file, ",%.9g", (double)frame->skin_weights[i]);
    for (i = 0; i < frame->tongue_weight_capacity; i++) fprintf(file, ",%.9g", (double)frame->tongue_weights[i]);
    for (i = 0; i < 16; i++) fprintf(file, ",%.9g", (double)frame->jaw[i]);
    for (i = 0; i < 6; i++) fprintf(file, ",%.9g", (double)frame->eyes[i]);
    fprintf(file, "\n");
}

/* Ticks until nothing is left to do, and writes the frames that come. */
static int drain(FILE *file, a2f_group *group, a2f_character *character, a2f_frame *frame)
{
    a2f_tick_report report = { sizeof report, 0, 0 };
    int32_t code;

    do {
        if (a2f_group_tick(group, NULL, &report)) return failed("tick");
        if (a2f_group_finish(group)) return failed("finish"); /* a game would not wait: on a GPU its next tick has the frames */
        while ((code = a2f_character_read_frame(character, frame)) == A2F_OK) write_row(file, frame);
        if (code != A2F_NO_FRAME) return failed("read a frame");
    } while (report.windows > 0);
    return 1;
}

static int animate(FILE *file, a2f_group *group, a2f_character *character, const a2f_audio *audio, a2f_frame *frame)
{
    a2f_character_status status = { sizeof status, 0, 0, 0, 0, 0, 0, 0 };
    const float *samples;
    size_t count, at, part;

    if (a2f_audio_samples(audio, &samples, &count)) return failed("samples");
    for (at = 0; at < count; at += part) {
        part = count - at < CHUNK ? count - at : CHUNK;
        if (a2f_character_push(character, samples + at, part)) return failed("push");
        if (!drain(file, group, character, frame)) return 0;
    }
    if (a2f_character_end_audio(character)) return failed("end of audio");
    if (!drain(file, group, character, frame)) return 0;
    if (a2f_character_get_status(character, &status)) return failed("status");
    if (status.error) {
        char text[1024];
        if (a2f_character_get_error(character, text, sizeof text, NULL)) return failed("text of an error");
        fprintf(stderr, "error: the character stopped: %s\n", text);
        return 0;
    }
    fprintf(stderr, "%" PRId64 " frames of %" PRId64 " samples\n", status.frames_made, status.samples_received);
    return status.finished == 1;
}

int main(int argc, char **argv)
{
    a2f_model_options model_options;
    a2f_group_options group_options;
    a2f_model_info info = { 0 };
    a2f_model *model = NULL;
    a2f_group *group = NULL;
    a2f_character *character = NULL;
    a2f_audio *audio = NULL;
    a2f_frame frame = { 0 };
    float *weights = NULL;
    FILE *file = NULL;
    int ok = 0;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: %s MODEL AUDIO.wav OUT.csv [DEVICE]\n", argv[0]);
        return 2;
    }
    a2f_model_options_init(&model_options);
    a2f_group_options_init(&group_options);
    model_options.device = argc == 5 ? argv[4] : "cpu";
    model_options.max_batch = 1;
    group_options.capacity = 1;
    group_options.when_full = A2F_WHEN_FULL_GROW;
    info.struct_size = sizeof info;
    frame.struct_size = sizeof frame;

    if (a2f_abi_version() >> 16 != A2F_ABI_MAJOR) fprintf(stderr, "error: this is liba2f %s\n", a2f_version_string());
    else if (a2f_audio_load(argv[2], &audio)) failed("audio");
    else if (a2f_model_load(argv[1], &model_options, &model)) failed("model");
    else if (a2f_model_get_info(model, &info)) failed("info");
    else if (a2f_group_create(model, &group_options, &group)) failed("group");
    else if (a2f_character_create(group, NULL, &character)) failed("character");
    else if (!(file = fopen(argv[3], "w"))) fprintf(stderr, "error: %s cannot be written\n", argv[3]);
    else ok = 1;

    if (ok) {
        frame.skin_weight_capacity = (uint32_t)info.skin_weight_count;
        frame.tongue_weight_capacity = (uint32_t)info.tongue_weight_count;
        weights = malloc(((size_t)info.skin_weight_count + (size_t)info.tongue_weight_count + 1) * sizeof *weights);
        frame.skin_weights = weights;
        frame.tongue_weights = weights ? weights + info.skin_weight_count : NULL;
        fprintf(stderr, "on %s, liba2f %s\n", info.device, a2f_version_string());
        ok = weights && write_header(file, model, &info) && animate(file, group, character, audio, &frame);
    }
    if (file && fclose(file)) ok = 0;
    free(weights);
    /* In any order, and null is only an error code. */
    a2f_audio_destroy(audio);
    a2f_model_destroy(model);
    a2f_group_destroy(group);
    return ok ? 0 : 1;
}
