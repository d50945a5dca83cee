/*
 * Calls every function of liba2f wrongly, and checks the code that each returns. Prints one line for each check that fails; the exit code says
 * whether there was one.
 *
 *     abuse MODEL DIFFUSION_MODEL EMOTION_MODEL AUDIO.wav
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "a2f.h"
#include "abuse.h"

static atomic_int checks, failures;

void check_at(int line, const char *what, int32_t found, int32_t expected)
{
    checks++;
    if (found == expected) return;
    failures++;
    printf("line %d: %s: %s, expected %s; last error: %s\n", line, what, a2f_error_name(found), a2f_error_name(expected), a2f_last_error());
}

void check_text_at(int line, const char *text, const char *part)
{
    checks++;
    if (text && strstr(text, part)) return;
    failures++;
    printf("line %d: '%s' does not hold '%s'\n", line, text ? text : "(null)", part);
}

static void bad_handles(a2f_model *model, a2f_group *group, a2f_character *character, a2f_audio *audio)
{
    /* Null, small numbers, a pointer of ours, all ones, and good handles with one bit changed. */
    void *bad[8];
    size_t i;
    int local = 0;

    bad[0] = NULL;
    bad[1] = (void *)(uintptr_t)1;
    bad[2] = &local;
    bad[3] = (void *)UINTPTR_MAX;
    bad[4] = (void *)((uintptr_t)model ^ 0x100000000u);
    bad[5] = (void *)((uintptr_t)group ^ 0x00800000u);
    bad[6] = (void *)((uintptr_t)character ^ 0x80000000u);
    bad[7] = (void *)0x123456789abcdefu;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) every_function(bad[i], bad[i], bad[i], bad[i], 0);

    /* Good handles, of another kind. */
    every_function((a2f_model *)group, (a2f_group *)character, (a2f_character *)audio, (a2f_audio *)model, 0);
    every_function((a2f_model *)audio, (a2f_group *)model, (a2f_character *)group, (a2f_audio *)character, 0);
    CHECK(a2f_group_tick((a2f_group *)model, NULL, NULL), A2F_ERROR_BAD_HANDLE);
    check_text_at(__LINE__, a2f_last_error(), "the handle of a model was given where that of a group was expected");
}

static void struct_sizes(const char *folder, a2f_model *model, a2f_group *group, a2f_character *character)
{
    static const uint32_t wrong[] = { 0, 1, 4, 8, 0x7fffffff, 0xffffffff };
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        a2f_model_options model_options;
        a2f_group_options group_options;
        a2f_tick_options tick_options;
        a2f_character_options character_options;
        a2f_tick_report report;
        a2f_model_info info;
        a2f_character_status status;
        a2f_frame frame;
        a2f_model *no_model = NULL;
        a2f_group *no_group = NULL;
        a2f_character *no_character = NULL;

        CHECK(a2f_model_options_init_sized(&model_options, wrong[i]), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_group_options_init_sized(&group_options, wrong[i]), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_tick_options_init_sized(&tick_options, wrong[i]), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_character_options_init_sized(&character_options, wrong[i]), A2F_ERROR_STRUCT_SIZE);
        a2f_model_options_init(&model_options);
        a2f_group_options_init(&group_options);
        a2f_tick_options_init(&tick_options);
        a2f_character_options_init(&character_options);
        model_options.struct_size = group_options.struct_size = tick_options.struct_size = character_options.struct_size = wrong[i];
        report.struct_size = info.struct_size = status.struct_size = frame.struct_size = wrong[i];
        CHECK(a2f_model_load(folder, &model_options, &no_model), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_group_create(model, &group_options, &no_group), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_group_tick(group, &tick_options, NULL), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_group_tick(group, NULL, &report), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_character_create(group, &character_options, &no_character), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_model_get_info(model, &info), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_character_get_status(character, &status), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_character_read_frame(character, &frame), A2F_ERROR_STRUCT_SIZE);
        CHECK(a2f_character_sample_frame(character, 0, &frame), A2F_ERROR_STRUCT_SIZE);
        CHECK(no_model || no_group || no_character, 0);
    }
}

static void newer_versions(a2f_model *model)
{
    /* Structs of a newer header, with one more field. */
    struct { a2f_group_options options; uint64_t newer; } wide;
    struct { a2f_model_info info; uint64_t newer; } info;
    a2f_group *group = NULL;

    memset(&wide, 0xff, sizeof wide);
    CHECK(a2f_group_options_init_sized(&wide.options, (uint32_t)sizeof wide), A2F_OK);
    CHECK(wide.newer != 0 || wide.options.struct_size != sizeof wide || wide.options.capacity != 16, 0);
    CHECK(a2f_group_create(model, &wide.options, &group), A2F_OK);
    CHECK(a2f_group_destroy(group), A2F_OK);
    ((unsigned char *)&wide)[sizeof wide.options] = 1;
    CHECK(a2f_group_create(model, &wide.options, &group), A2F_ERROR_STRUCT_SIZE);
    CHECK(group != NULL, 0);

    memset(&info, 0xff, sizeof info);
    info.info.struct_size = (uint32_t)sizeof info;
    CHECK(a2f_model_get_info(model, &info.info), A2F_OK);
    CHECK(info.newer != UINT64_MAX || info.info.backend_bytes == 0 || info.info.struct_size != sizeof info, 0);

    /* One field less than any version has. */
    CHECK(a2f_group_options_init_sized(&wide.options, (uint32_t)offsetof(a2f_group_options, frames_ready_user)), A2F_ERROR_STRUCT_SIZE);
    CHECK(a2f_group_options_init(&wide.options), A2F_OK);
    wide.options.struct_size = (uint32_t)offsetof(a2f_group_options, frames_ready_user);
    CHECK(a2f_group_create(model, &wide.options, &group), A2F_ERROR_STRUCT_SIZE);
    info.info.struct_size = (uint32_t)offsetof(a2f_model_info, backend_bytes);
    CHECK(a2f_model_get_info(model, &info.info), A2F_ERROR_STRUCT_SIZE);
}

static void models(const char *folder, const char *wav)
{
    a2f_model_options options;
    a2f_model *model = NULL;
    const char *name;

    CHECK(a2f_model_load(NULL, NULL, &model), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_model_load(folder, NULL, NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_model_load("/nowhere/at all", NULL, &model), A2F_ERROR_FILE_NOT_FOUND);
    check_text_at(__LINE__, a2f_last_error(), "/nowhere/at all");
    CHECK(a2f_model_load(wav, NULL, &model), A2F_ERROR_INVALID_FILE);
    CHECK(a2f_model_load("", NULL, &model), A2F_ERROR_FILE_NOT_FOUND);
    CHECK(a2f_model_load("\xff\xfe", NULL, &model), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_model_options_init(NULL), A2F_ERROR_INVALID_ARGUMENT);

#define TRY(change, code) \
    do { a2f_model_options_init(&options); options.device = "cpu"; change; CHECK(a2f_model_load(folder, &options, &model), code); } while (0)
    TRY(options.device = "gpu", A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.device = "cuda:99", A2F_ERROR_DEVICE_UNAVAILABLE);
    TRY(options.threads = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.threads = 257, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.max_batch = 0, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.max_batch = -7, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.precision = 2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.vertices = 2, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.reserved = 1, A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.stream_priority = 1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.cuda_stream = &options, A2F_ERROR_INVALID_ARGUMENT);
    check_text_at(__LINE__, a2f_last_error(), "a CUDA context or stream is given, but ");
    TRY(options.cuda_context = &options, A2F_ERROR_INVALID_ARGUMENT);
    check_text_at(__LINE__, a2f_last_error(), "a CUDA context or stream is given, but ");
#undef TRY
    CHECK(model != NULL, 0);

    a2f_model_options_init(&options);
    options.device = "cpu";
    CHECK(a2f_model_load(folder, &options, &model), A2F_OK);
    CHECK(a2f_model_get_info(model, NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_model_get_name(model, A2F_NAMES_EMOTIONS, 0, NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_model_get_name(model, A2F_NAMES_EMOTIONS, 0xffffffff, &name), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_model_get_name(model, 6, 0, &name), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_model_get_name(model, A2F_NAMES_CLASSES, 0, &name), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_model_get_name(model, A2F_NAMES_PARAMETERS, 0, &name), A2F_OK);
    check_text_at(__LINE__, name, "input_strength");
    CHECK(a2f_model_destroy(model), A2F_OK);
    CHECK(a2f_model_destroy(model), A2F_ERROR_BAD_HANDLE);
    check_text_at(__LINE__, a2f_last_error(), "the model was destroyed");
}

static void audio(const char *wav, const char *folder)
{
    a2f_audio *loaded = NULL;
    const float *samples = NULL;
    size_t count = 0;

    CHECK(a2f_audio_load(NULL, &loaded), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_audio_load(wav, NULL), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_audio_load("nowhere.wav", &loaded), A2F_ERROR_FILE_NOT_FOUND);
    CHECK(a2f_audio_load(folder, &loaded), A2F_ERROR_INVALID_FILE);
    CHECK(loaded != NULL, 0);
    CHECK(a2f_audio_load(wav, &loaded), A2F_OK);
    CHECK(a2f_audio_samples(loaded, NULL, NULL), A2F_OK);
    CHECK(a2f_audio_samples(loaded, &samples, &count), A2F_OK);
    CHECK(samples == NULL || count < 1000, 0);
    CHECK(a2f_audio_destroy(loaded), A2F_OK);
    CHECK(a2f_audio_destroy(loaded), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_audio_samples(loaded, &samples, &count), A2F_ERROR_BAD_HANDLE);
}

int main(int argc, char **argv)
{
    a2f_model_options options;
    a2f_model *model = NULL, *emotion = NULL;
    a2f_group *group = NULL, *other = NULL;
    a2f_character *character = NULL;
    a2f_audio *sound = NULL;

    if (argc != 5) return 2;
    CHECK(strcmp(a2f_last_error(), ""), 0);
    CHECK((int32_t)a2f_abi_version(), A2F_ABI_VERSION);
    CHECK(strcmp(a2f_error_name(12345), "A2F_ERROR_UNKNOWN"), 0);
    count_memory();
    models(argv[1], argv[4]);
    audio(argv[4], argv[1]);
    a2f_model_options_init(&options);
    options.device = "cpu";
    options.threads = 1;
    CHECK(a2f_model_load(argv[1], &options, &model), A2F_OK);
    options.emotion_window = 8000;
    CHECK(a2f_model_load(argv[3], &options, &emotion), A2F_OK);
    CHECK(a2f_group_create(model, NULL, &group), A2F_OK);
    CHECK(a2f_character_create(group, NULL, &character), A2F_OK);
    CHECK(a2f_audio_load(argv[4], &sound), A2F_OK);
    bad_handles(model, group, character, sound);
    struct_sizes(argv[1], model, group, character);
    newer_versions(model);
    group_misuse(model, emotion);
    character_misuse(model, group, character);
    emotions(argv[3], model, emotion);
    reports(model);
    steady_state(model, emotion);
    CHECK(a2f_audio_destroy(sound), A2F_OK);
    CHECK(a2f_model_destroy(emotion), A2F_OK);

    /* The model outlives its handle while there is a group; characters do not outlive theirs. */
    CHECK(a2f_model_destroy(model), A2F_OK);
    CHECK(a2f_group_create(model, NULL, &other), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_group_tick(group, NULL, NULL), A2F_OK);
    CHECK(a2f_group_destroy(group), A2F_OK);
    CHECK(a2f_group_destroy(group), A2F_ERROR_BAD_HANDLE);
    every_function(model, group, character, sound, 1);
    threads(argv[1], argv[3]);
    threads(argv[2], argv[3]);
    check_memory();
    if (failures) printf("%d of %d checks failed\n", (int)failures, (int)checks);
    else printf("%d checks passed\n", (int)checks);
    return failures != 0;
}
