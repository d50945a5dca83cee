/* Misuse of groups and characters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "abuse.h"

void every_function(a2f_model *model, a2f_group *group, a2f_character *character, a2f_audio *audio, int destroyed)
{
    a2f_model_info info = { 0 };
    a2f_character_status status = { 0 };
    a2f_frame frame = { 0 };
    a2f_group *no_group = NULL;
    a2f_character *no_character = NULL;
    const float *samples = NULL;
    const char *name = NULL;
    float value = 0;
    int16_t sample = 0;
    char text[8];
    size_t count = 0;

    info.struct_size = sizeof info;
    status.struct_size = sizeof status;
    frame.struct_size = sizeof frame;
    CHECK(a2f_audio_samples(audio, &samples, &count), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_audio_destroy(audio), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_model_get_info(model, &info), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_model_get_name(model, 0, 0, &name), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_model_destroy(model), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_group_create(model, NULL, &no_group), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_group_tick(group, NULL, NULL), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_group_poll(group), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_group_finish(group), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_group_destroy(group), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_create(group, NULL, &no_character), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_push(character, &value, 1), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_push_int16(character, &sample, 1), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_end_audio(character), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_read_frame(character, &frame), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_sample_frame(character, 0, &frame), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_set_emotion(character, &value, 1), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_set_parameter(character, "skin_strength", 1), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_set_parameter_text(character, "skin_strength", "1"), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_get_parameter(character, "skin_strength", &value), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_get_parameter_text(character, "skin_strength", text, sizeof text, &count), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_set_priority(character, 1), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_reset(character), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_get_status(character, &status), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_get_error(character, text, sizeof text, &count), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_destroy(character), A2F_ERROR_BAD_HANDLE);
    if (destroyed) check_text_at(__LINE__, a2f_last_error(), "the character was destroyed");
    CHECK(samples || name || no_group || no_character || count, 0);
}

void group_misuse(a2f_model *model, a2f_model *emotion)
{
    a2f_group_options options;
    a2f_tick_options tick;
    a2f_group *group = NULL;

    CHECK(a2f_group_create(model, NULL, NULL), A2F_ERROR_INVALID_ARGUMENT);
#define TRY(change, code) \
    do { a2f_group_options_init(&options); change; CHECK(a2f_group_create(model, &options, &group), code); } while (0)
    TRY(options.capacity = 0, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.capacity = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.capacity = 65536, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.frames_numerator = 0, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.frames_denominator = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.frame_room = 1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.frame_room = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.when_full = 3, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.vertices = 7, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.tail_seconds = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.tail_seconds = 1e300, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.tail_seconds = (double)NAN, A2F_ERROR_NOT_FINITE);
    TRY(options.face_device = "abacus", A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.device_vertices = 2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.device_vertices = 1, A2F_ERROR_INVALID_ARGUMENT);
    check_text_at(__LINE__, a2f_last_error(), "vertices stay on a GPU only where the model");
    TRY(options.spread_windows = 2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.starvation_ticks = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.starvation_ticks = 1000001, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.gpu_share = 0, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.gpu_share = 1.5f, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.gpu_share = NAN, A2F_ERROR_NOT_FINITE);
    TRY(options.emotion_windows = 2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.reserved = 1, A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.emotion_model = (a2f_model *)&options, A2F_ERROR_BAD_HANDLE);
    TRY(options.emotion_model = model, A2F_ERROR_INVALID_ARGUMENT);
    check_text_at(__LINE__, a2f_last_error(), "is a face model; an emotion model was expected");
#undef TRY
    CHECK(a2f_group_create(emotion, NULL, &group), A2F_ERROR_INVALID_ARGUMENT);
    check_text_at(__LINE__, a2f_last_error(), "is an emotion model, which has no face to animate");
    CHECK(group != NULL, 0);
    a2f_group_options_init(&options);
    CHECK(options.starvation_ticks != 8 || options.spread_windows != 1 || options.gpu_share != 1, 0);
    options.face_device = "model";
    CHECK(a2f_group_create(model, &options, &group), A2F_OK);
#define TRY(change, code) \
    do { a2f_tick_options_init(&tick); change; CHECK(a2f_group_tick(group, &tick, NULL), code); } while (0)
    TRY(tick.most_windows = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(tick.most_milliseconds = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(tick.most_milliseconds = 1e300, A2F_ERROR_OUT_OF_RANGE);
    TRY(tick.most_milliseconds = (double)NAN, A2F_ERROR_NOT_FINITE);
    TRY(tick.most_milliseconds = (double)INFINITY, A2F_ERROR_NOT_FINITE);
    TRY(tick.most_milliseconds = 1e-300, A2F_OK);
    TRY(tick.most_milliseconds = 2.5, A2F_OK);
#undef TRY
    CHECK(a2f_group_poll(group), A2F_OK);
    CHECK(a2f_group_finish(group), A2F_OK);
    CHECK(a2f_group_destroy(group), A2F_OK);
}

static void frames(a2f_group *group, a2f_character *character)
{
    a2f_frame frame = { 0 };
    a2f_tick_report report = { 0 };
    a2f_character_status status = { 0 };
    float weights[256], vertex[3];
    float *speech = calloc(32000, sizeof *speech);
    int i;

    frame.struct_size = sizeof frame;
    status.struct_size = sizeof status;
    CHECK(a2f_character_read_frame(character, NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_read_frame(character, &frame), A2F_NO_FRAME);
    CHECK(a2f_character_sample_frame(character, 0, &frame), A2F_NO_FRAME);
    for (i = 0; i < 32000; i++) speech[i] = 0.3f * (float)sin(0.05 * i);
    CHECK(a2f_character_push(character, speech, 32000), A2F_OK);
    CHECK(a2f_group_tick(group, NULL, &report), A2F_ERROR_STRUCT_SIZE);
    CHECK(a2f_character_sample_frame(character, 0, &frame), A2F_NO_FRAME); /* what fails changes nothing */
    report.struct_size = sizeof report;
    CHECK(a2f_group_tick(group, NULL, &report), A2F_OK);
    CHECK(report.windows < 60 || !(report.seconds > 0), 0);
    free(speech);

    frame.skin_weights = weights;
    CHECK(a2f_character_read_frame(character, &frame), A2F_ERROR_BUFFER_TOO_SMALL);
    frame.skin_vertices = vertex;
    frame.skin_weight_capacity = 256;
    CHECK(a2f_character_read_frame(character, &frame), A2F_ERROR_INVALID_ARGUMENT);
    frame.skin_vertices = NULL;
    CHECK(a2f_character_sample_frame(character, (double)NAN, &frame), A2F_ERROR_NOT_FINITE);
    CHECK(a2f_character_sample_frame(character, (double)INFINITY, &frame), A2F_ERROR_NOT_FINITE);
    CHECK(a2f_character_sample_frame(character, 1e9, &frame), A2F_OK);
    CHECK(frame.stands_in, 1);
    CHECK(a2f_character_sample_frame(character, (double)frame.timestamp - 100.5, &frame), A2F_OK);
    CHECK(frame.stands_in, 0);
    CHECK(a2f_character_read_frame(character, &frame), A2F_OK);
    frame.device_skin_vertices = frame.device_tongue_vertices = 77;
    CHECK(a2f_character_read_frame(character, &frame), A2F_OK);
    CHECK(frame.device_skin_vertices || frame.device_tongue_vertices, 0);
    CHECK(a2f_character_get_status(character, NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_get_status(character, &status), A2F_OK);
    CHECK(status.error || status.finished || status.samples_received != 32000, 0);
    /* Of more than frame_room frames that nobody read, the oldest were dropped; refused and sampled ones were not taken. */
    CHECK(status.frames_made != status.frames_unread + status.frames_dropped + 2, 0);
}

static void parameters(a2f_character *character, const a2f_model *model)
{
    char text[4096];
    size_t length = 0;
    float value = 0, emotion[64] = { 0 };
    a2f_model_info info = { 0 };
    uint32_t i;
    const char *name;

    info.struct_size = sizeof info;
    CHECK(a2f_model_get_info(model, &info), A2F_OK);
    CHECK(a2f_character_set_emotion(character, NULL, (size_t)info.emotion_count), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_emotion(character, emotion, (size_t)info.emotion_count + 1), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_emotion(character, emotion, (size_t)-1), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_character_set_emotion(character, emotion, (size_t)info.emotion_count), A2F_OK);
    emotion[0] = (float)NAN;
    CHECK(a2f_character_set_emotion(character, emotion, (size_t)info.emotion_count), A2F_ERROR_NOT_FINITE);

    CHECK(a2f_character_set_parameter(character, NULL, 1), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_parameter(character, "no_such_thing", 1), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_parameter(character, "lower_face_strength", 3), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_character_set_parameter(character, "lower_face_strength", (float)NAN), A2F_ERROR_NOT_FINITE);
    CHECK(a2f_character_set_parameter(character, "lower_face_strength", 0.7f), A2F_OK);
    CHECK(a2f_character_get_parameter(character, "lower_face_strength", NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_get_parameter(character, "lower_face_strength", &value), A2F_OK);
    CHECK(value != 0.7f, 0);
    CHECK(a2f_character_get_parameter(character, "no_such_thing", &value), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_get_parameter(character, "skin.bsWeightMultipliers", &value), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_parameter_text(character, "skin.bsWeightMultipliers", "[1, 2]"), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_parameter_text(character, "objective", "energy"), A2F_OK);
    CHECK(a2f_character_get_parameter(character, "objective", &value), A2F_OK);
    CHECK(value != 1, 0);
    CHECK(a2f_character_set_parameter_text(character, "objective", NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_parameter_text(character, "objective", "2"), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_get_parameter_text(character, "lower_face_strength", NULL, 0, &length), A2F_ERROR_BUFFER_TOO_SMALL);
    CHECK(length, 3);
    CHECK(a2f_character_get_parameter_text(character, "lower_face_strength", NULL, 9, &length), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_get_parameter_text(character, "lower_face_strength", text, 3, NULL), A2F_ERROR_BUFFER_TOO_SMALL);
    CHECK(a2f_character_get_parameter_text(character, "lower_face_strength", text, 4, NULL), A2F_OK);
    CHECK(strcmp(text, "0.7"), 0);
    /* What each parameter has, it takes. */
    for (i = 0; i < (uint32_t)info.parameter_count; i++) {
        CHECK(a2f_model_get_name(model, A2F_NAMES_PARAMETERS, i, &name), A2F_OK);
        CHECK(a2f_character_get_parameter_text(character, name, text, sizeof text, NULL), A2F_OK);
        CHECK(a2f_character_set_parameter_text(character, name, text), A2F_OK);
    }
}

void character_misuse(a2f_model *model, a2f_group *group, a2f_character *character)
{
    a2f_character_options options;
    a2f_character_status status = { 0 };
    a2f_character *other = NULL, *many[16];
    float values[4] = { 0 };
    int16_t shorts[4] = { -32768, 32767, 0, 1 };
    char text[512] = "";
    int i;

    CHECK(a2f_character_create(group, NULL, NULL), A2F_ERROR_INVALID_ARGUMENT);
#define TRY(change, code) \
    do { a2f_character_options_init(&options); change; CHECK(a2f_character_create(group, &options, &other), code); } while (0)
    TRY(options.identity = -2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.identity = 3, A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.source_frame = -5, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.source_shot = "no such shot", A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.hears_emotions = 2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.hears_emotions = 1, A2F_ERROR_INVALID_ARGUMENT); /* the group has no emotion model */
    TRY(options.reserved = 1, A2F_ERROR_INVALID_ARGUMENT);
#undef TRY
    CHECK(other != NULL, 0);
    for (i = 0; i < 15; i++) CHECK(a2f_character_create(group, NULL, &many[i]), A2F_OK);
    CHECK(a2f_character_create(group, NULL, &other), A2F_ERROR_OUT_OF_RANGE);
    for (i = 0; i < 15; i++) CHECK(a2f_character_destroy(many[i]), A2F_OK);
    for (i = 0; i < 15; i++) CHECK(a2f_character_destroy(many[i]), A2F_ERROR_BAD_HANDLE);

    CHECK(a2f_character_set_priority(character, INT32_MIN), A2F_OK);
    CHECK(a2f_character_set_priority(character, INT32_MAX), A2F_OK);
    CHECK(a2f_character_set_priority(character, 0), A2F_OK);
    CHECK(a2f_character_push(character, NULL, 0), A2F_OK);
    CHECK(a2f_character_push(character, NULL, 1), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_push(character, values, (size_t)-1), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_character_push_int16(character, NULL, 1), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_push_int16(character, shorts, (size_t)1 << 40), A2F_ERROR_OUT_OF_RANGE);
    values[3] = (float)NAN;
    CHECK(a2f_character_push(character, values, 4), A2F_ERROR_NOT_FINITE);
    values[3] = (float)-INFINITY;
    CHECK(a2f_character_push(character, values, 4), A2F_ERROR_NOT_FINITE);
    CHECK(a2f_character_push_int16(character, shorts, 4), A2F_OK);
    status.struct_size = sizeof status;
    CHECK(a2f_character_get_status(character, &status), A2F_OK);
    CHECK(status.samples_received, 4);
    CHECK(a2f_character_get_error(character, text, sizeof text, NULL), A2F_OK);
    CHECK(strcmp(text, ""), 0);
    CHECK(a2f_character_end_audio(character), A2F_OK);
    CHECK(a2f_character_end_audio(character), A2F_OK);
    CHECK(a2f_character_push(character, values, 1), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_reset(character), A2F_OK);
    frames(group, character);
    parameters(character, model);

    /* What is beyond a network stops that character, and a reset starts it again. */
    CHECK(a2f_character_reset(character), A2F_OK);
    CHECK(a2f_character_set_parameter(character, "input_strength", 10), A2F_OK);
    values[0] = values[1] = values[2] = values[3] = 9e5f;
    for (i = 0; i < 5000; i++) a2f_character_push(character, values, 4);
    CHECK(a2f_group_tick(group, NULL, NULL), A2F_OK);
    CHECK(a2f_character_get_status(character, &status), A2F_OK);
    CHECK(status.error, A2F_ERROR_NOT_FINITE);
    CHECK(a2f_character_get_error(character, text, sizeof text, NULL), A2F_OK);
    check_text_at(__LINE__, text, "audio window");
    CHECK(a2f_character_reset(character), A2F_OK);
    CHECK(a2f_character_get_status(character, &status), A2F_OK);
    CHECK(status.error, A2F_OK);
}
