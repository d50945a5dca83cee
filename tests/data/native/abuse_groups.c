/* Emotion models and the function that is told of frames, used rightly and wrongly. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "abuse.h"

enum { SAMPLES = 16000 };

static void speak(a2f_character *character)
{
    float speech[SAMPLES];
    int i;

    for (i = 0; i < SAMPLES; i++) speech[i] = (float)(i % 60) / 150 - 0.2f;
    CHECK(a2f_character_push(character, speech, SAMPLES), A2F_OK);
}

static a2f_group *group_with(a2f_model *face, a2f_model *emotion, a2f_frames_ready_function function, void *user)
{
    a2f_group_options options;
    a2f_group *group = NULL;

    a2f_group_options_init(&options);
    options.emotion_model = emotion;
    options.frames_ready = function;
    options.frames_ready_user = user;
    CHECK(a2f_group_create(face, &options, &group), A2F_OK);
    return group;
}

static int64_t frames_of(a2f_character *character)
{
    a2f_character_status status = { 0 };

    status.struct_size = sizeof status;
    CHECK(a2f_character_get_status(character, &status), A2F_OK);
    CHECK(status.error, A2F_OK);
    return status.frames_made;
}

void emotions(const char *folder, a2f_model *face, a2f_model *emotion)
{
    a2f_model_options options;
    a2f_model_info info = { 0 };
    a2f_character_options hears;
    a2f_model *none = NULL, *loaded = NULL;
    a2f_group_options group_options;
    a2f_group *group = NULL, *other;
    a2f_character *character = NULL, *deaf = NULL, *third = NULL;
    const char *name = NULL;
    float values[10] = { 0 };

#define TRY(change, code) \
    do { a2f_model_options_init(&options); options.device = "cpu"; change; CHECK(a2f_model_load(folder, &options, &none), code); } while (0)
    TRY(options.emotion_window = 399, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.emotion_window = 1600001, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.emotion_window = -1, A2F_ERROR_OUT_OF_RANGE);
    TRY(options.cuda_context = &options, A2F_ERROR_INVALID_ARGUMENT);
    TRY(options.max_batch = 0, A2F_ERROR_OUT_OF_RANGE);
#undef TRY
    CHECK(none != NULL, 0);

    info.struct_size = sizeof info;
    CHECK(a2f_model_get_info(emotion, &info), A2F_OK);
    CHECK(info.kind, A2F_MODEL_EMOTION);
    CHECK(info.window_samples, 8000);
    CHECK(info.sample_rate, 16000);
    CHECK(info.class_count < 2 || info.backend_bytes == 0 || !info.device[0], 0);
    CHECK(info.emotion_count || info.identity_count || info.skin_weight_count || info.parameter_count || info.skin_vertex_count, 0);
    CHECK(a2f_model_get_name(emotion, A2F_NAMES_CLASSES, (uint32_t)info.class_count - 1, &name), A2F_OK);
    CHECK(name == NULL || !name[0], 0);
    CHECK(a2f_model_get_name(emotion, A2F_NAMES_CLASSES, (uint32_t)info.class_count, &name), A2F_ERROR_OUT_OF_RANGE);
    CHECK(a2f_model_get_name(emotion, A2F_NAMES_PARAMETERS, 0, &name), A2F_ERROR_OUT_OF_RANGE);

    /* Windows so short that audio would go unheard. */
    a2f_model_options_init(&options);
    options.device = "cpu";
    options.emotion_window = 400;
    CHECK(a2f_model_load(folder, &options, &loaded), A2F_OK);
    a2f_group_options_init(&group_options);
    group_options.emotion_model = loaded;
    CHECK(a2f_group_create(face, &group_options, &group), A2F_ERROR_OUT_OF_RANGE);
    check_text_at(__LINE__, a2f_last_error(), "leave audio between windows of 400 samples out");
    CHECK(a2f_model_destroy(loaded), A2F_OK);

    /* Groups keep an emotion model as they keep a face model, and may share one. */
    a2f_model_options_init(&options);
    options.device = "cpu";
    options.emotion_window = 8000;
    CHECK(a2f_model_load(folder, &options, &loaded), A2F_OK);
    group = group_with(face, loaded, NULL, NULL);
    other = group_with(face, loaded, NULL, NULL);
    CHECK(a2f_model_destroy(loaded), A2F_OK);
    a2f_character_options_init(&hears);
    hears.hears_emotions = 1;
    hears.priority = -5;
    CHECK(a2f_character_create(group, &hears, &character), A2F_OK);
    CHECK(a2f_character_create(group, NULL, &deaf), A2F_OK);
    CHECK(a2f_character_create(other, &hears, &third), A2F_OK);
    CHECK(a2f_character_set_emotion(character, values, 10), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_character_set_emotion(deaf, values, 10), A2F_OK);
    speak(character);
    speak(deaf);
    speak(third);
    CHECK(a2f_group_tick(group, NULL, NULL), A2F_OK);
    CHECK(a2f_group_tick(other, NULL, NULL), A2F_OK);
    CHECK(frames_of(character) == 0 || frames_of(deaf) == 0 || frames_of(third) == 0, 0);
    CHECK(a2f_group_destroy(group), A2F_OK);
    CHECK(a2f_group_tick(other, NULL, NULL), A2F_OK);
    CHECK(a2f_group_destroy(other), A2F_OK);
}

/* What the function that is told of frames does, and what it found. */
typedef struct listener {
    pthread_t thread;
    a2f_group *group;
    a2f_character *destroyed, *told[4];
    int calls, elsewhere, frames, destroy_group;
} listener;

static void A2F_CALL listen(void *user, a2f_character *character)
{
    listener *all = user;
    a2f_frame frame = { 0 };

    frame.struct_size = sizeof frame;
    if (!pthread_equal(all->thread, pthread_self())) all->elsewhere++;
    if (all->calls < 4) all->told[all->calls] = character;
    all->calls++;
    while (a2f_character_read_frame(character, &frame) == A2F_OK) all->frames++;
    if (all->destroyed && character != all->destroyed) {
        CHECK(a2f_character_destroy(all->destroyed), A2F_OK);
        all->destroyed = NULL;
    }
    if (all->destroy_group) CHECK(a2f_group_destroy(all->group), A2F_OK);
}

static void *push_elsewhere(void *character)
{
    speak(character);
    return NULL;
}

void reports(a2f_model *model)
{
    listener all = { 0 };
    a2f_character *first = NULL, *second = NULL, *fresh = NULL;
    pthread_t thread;

    all.thread = pthread_self();
    all.group = group_with(model, NULL, listen, &all);
    CHECK(a2f_character_create(all.group, NULL, &first), A2F_OK);
    CHECK(a2f_character_create(all.group, NULL, &second), A2F_OK);
    CHECK(a2f_group_tick(all.group, NULL, NULL), A2F_OK);
    CHECK(all.calls, 0); /* nobody has frames */
    CHECK(pthread_create(&thread, NULL, push_elsewhere, first), 0);
    pthread_join(thread, NULL);
    CHECK(all.calls, 0); /* nor is anybody told by a push */
    CHECK(a2f_group_tick(all.group, NULL, NULL), A2F_OK);
    CHECK(all.calls != 1 || all.told[0] != first || all.frames < 30, 0);
    CHECK(a2f_group_poll(all.group), A2F_OK);
    CHECK(a2f_group_finish(all.group), A2F_OK);
    CHECK(all.calls, 1); /* of frames that it was told of it is not told again */

    /* It may destroy a character that would be next. */
    CHECK(a2f_character_reset(first), A2F_OK);
    speak(first);
    speak(second);
    all.destroyed = second;
    CHECK(a2f_group_tick(all.group, NULL, NULL), A2F_OK);
    CHECK(all.calls, 2);
    CHECK(a2f_character_destroy(second), A2F_ERROR_BAD_HANDLE);

    /* Or the group. */
    CHECK(a2f_character_create(all.group, NULL, &fresh), A2F_OK);
    CHECK(a2f_character_reset(first), A2F_OK);
    speak(first);
    speak(fresh);
    all.destroy_group = 1;
    CHECK(a2f_group_tick(all.group, NULL, NULL), A2F_OK);
    CHECK(all.calls, 3);
    CHECK(all.elsewhere, 0);
    CHECK(a2f_group_tick(all.group, NULL, NULL), A2F_ERROR_BAD_HANDLE);
    CHECK(a2f_character_destroy(first), A2F_ERROR_BAD_HANDLE);
}
