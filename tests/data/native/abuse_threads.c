/* Threads that do everything at once, and memory that is counted. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "abuse.h"

enum { PUSHERS = 3, ROUNDS = 60 };

static atomic_long blocks, bytes_out, taken;
static int hook;
static a2f_character_options hearing;

static void *take(void *user, size_t bytes, size_t alignment)
{
    size_t whole = (bytes + alignment - 1) / alignment * alignment;
    CHECK(user != &hook || (alignment & (alignment - 1)) != 0, 0);
    atomic_fetch_add(&blocks, 1);
    atomic_fetch_add(&taken, 1);
    atomic_fetch_add(&bytes_out, (long)bytes);
    return aligned_alloc(alignment, whole);
}

static void give(void *user, void *block, size_t bytes, size_t alignment)
{
    CHECK(user != &hook || (uintptr_t)block % alignment != 0, 0);
    atomic_fetch_sub(&blocks, 1);
    atomic_fetch_sub(&bytes_out, (long)bytes);
    free(block);
}

static void *refuse(void *user, size_t bytes, size_t alignment)
{
    (void)user, (void)bytes, (void)alignment;
    return NULL;
}

void count_memory(void)
{
    CHECK(a2f_set_allocator(take, NULL, &hook), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_set_allocator(NULL, give, &hook), A2F_ERROR_INVALID_ARGUMENT);
    CHECK(a2f_set_allocator(take, give, &hook), A2F_OK);
}

void check_memory(void)
{
    CHECK(taken == 0, 0);
    CHECK(blocks, 0);
    CHECK(bytes_out, 0);
    CHECK(a2f_set_allocator(NULL, NULL, NULL), A2F_OK);
}

void steady_state(a2f_model *model, a2f_model *emotion)
{
    a2f_group_options options;
    a2f_group *group = NULL;
    a2f_character *character = NULL;
    a2f_character_status status = { 0 };
    a2f_frame frame = { 0 };
    float speech[533];
    long before = 0;
    int round, i;

    frame.struct_size = sizeof frame;
    status.struct_size = sizeof status;
    for (i = 0; i < 533; i++) speech[i] = (float)(i % 40) / 100 - 0.2f;
    a2f_character_options_init(&hearing);
    hearing.hears_emotions = 1;
    a2f_group_options_init(&options);
    options.emotion_model = emotion;
    CHECK(a2f_group_create(model, &options, &group), A2F_OK);
    CHECK(a2f_character_create(group, &hearing, &character), A2F_OK);
    for (round = 0; round < 200; round++) {
        if (round == 100) before = taken;
        CHECK(a2f_character_push(character, speech, 533), A2F_OK);
        CHECK(a2f_group_tick(group, NULL, NULL), A2F_OK);
        while (a2f_character_read_frame(character, &frame) == A2F_OK) {}
    }
    CHECK(taken != before, 0);
    CHECK(a2f_character_get_status(character, &status), A2F_OK);
    CHECK(status.error || status.frames_made < 300, 0);
    CHECK(a2f_group_destroy(group), A2F_OK);
}

typedef struct play {
    a2f_model *model, *emotion;
    a2f_group *group;
    _Atomic(a2f_character *) character[PUSHERS];
    atomic_int running;
    atomic_int unexpected;
} play;

/* While handles come and go under a call, these are the codes that it may give. */
static void expect(play *all, int32_t code, const char *what)
{
    if (code == A2F_OK || code == A2F_NO_FRAME || code == A2F_ERROR_BAD_HANDLE || code == A2F_ERROR_INVALID_ARGUMENT) return;
    if (code == A2F_ERROR_OUT_OF_RANGE) return; /* no room in the group */
    if (atomic_fetch_add(&all->unexpected, 1) < 10) printf("%s: %s: %s\n", what, a2f_error_name(code), a2f_last_error());
}

static void *push(void *argument)
{
    play *all = argument;
    float chunk[800];
    int16_t shorts[400] = { 0 };
    a2f_frame frame = { 0 };
    a2f_character_status status = { 0 };
    int round, i;

    frame.struct_size = sizeof frame;
    status.struct_size = sizeof status;
    for (i = 0; i < 800; i++) chunk[i] = (float)(i % 50) / 100 - 0.25f;
    for (round = 0; round < ROUNDS * 4; round++) {
        a2f_character *character = all->character[round % PUSHERS];
        expect(all, a2f_character_push(character, chunk, 800), "push");
        expect(all, a2f_character_push_int16(character, shorts, 400), "push_int16");
        while (a2f_character_read_frame(character, &frame) == A2F_OK) {}
        expect(all, a2f_character_sample_frame(character, 4000.5, &frame), "sample_frame");
        expect(all, a2f_character_get_status(character, &status), "status");
        if (round % 16 == 5) expect(all, a2f_character_set_parameter(character, "skin_strength", 0.5f), "set_parameter");
        if (round % 16 == 7) expect(all, a2f_character_set_priority(character, round), "set_priority");
        if (round % 16 == 9) expect(all, a2f_character_reset(character), "reset");
    }
    atomic_fetch_sub(&all->running, 1);
    return NULL;
}

/* Destroys and makes characters under the feet of the others. */
static void *replace(void *argument)
{
    play *all = argument;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        a2f_character *old = all->character[round % PUSHERS], *fresh = NULL;
        expect(all, a2f_character_destroy(old), "destroy");
        expect(all, a2f_character_destroy(old), "destroy twice");
        expect(all, a2f_character_create(all->group, &hearing, &fresh), "create");
        all->character[round % PUSHERS] = fresh;
    }
    atomic_fetch_sub(&all->running, 1);
    return NULL;
}

static void *tick(void *argument)
{
    play *all = argument;
    while (all->running > 0) {
        expect(all, a2f_group_tick(all->group, NULL, NULL), "tick");
        expect(all, a2f_group_poll(all->group), "poll");
    }
    expect(all, a2f_group_finish(all->group), "finish");
    return NULL;
}

/* Frames of any character, also of one that is gone by now. */
static void A2F_CALL read_all(void *user, a2f_character *character)
{
    a2f_frame frame = { 0 };
    int32_t code;

    frame.struct_size = sizeof frame;
    while ((code = a2f_character_read_frame(character, &frame)) == A2F_OK) {}
    expect(user, code, "read_frame when told");
}

/* A group of its own on the same models, again and again. */
static void *regroup(void *argument)
{
    play *all = argument;
    int round;

    for (round = 0; round < 8; round++) {
        a2f_group *group = NULL;
        a2f_character *character = NULL;
        a2f_group_options options;
        float silence[20000] = { 0 };
        a2f_group_options_init(&options);
        options.emotion_model = all->emotion;
        expect(all, a2f_group_create(all->model, &options, &group), "group_create");
        expect(all, a2f_character_create(group, &hearing, &character), "create");
        expect(all, a2f_character_push(character, silence, 20000), "push");
        expect(all, a2f_group_tick(group, NULL, NULL), "tick");
        expect(all, a2f_group_destroy(group), "group_destroy");
        if (round == 4) expect(all, a2f_model_destroy(all->model), "model_destroy");
        if (round == 4) expect(all, a2f_model_destroy(all->emotion), "model_destroy");
    }
    atomic_fetch_sub(&all->running, 1);
    return NULL;
}

void threads(const char *folder, const char *emotion_folder)
{
    play all = { 0 };
    a2f_model_options options;
    a2f_group_options group_options;
    pthread_t thread[PUSHERS + 4];
    a2f_model *none = NULL;
    int i, count = 0;

    a2f_model_options_init(&options);
    options.device = "cpu";
    options.threads = 2;
    CHECK(a2f_model_load(folder, &options, &all.model), A2F_OK);
    options.emotion_window = 8000;
    CHECK(a2f_model_load(emotion_folder, &options, &all.emotion), A2F_OK);
    a2f_character_options_init(&hearing);
    hearing.hears_emotions = 1;
    a2f_group_options_init(&group_options);
    group_options.emotion_model = all.emotion;
    group_options.frames_ready = read_all;
    group_options.frames_ready_user = &all;
    CHECK(a2f_group_create(all.model, &group_options, &all.group), A2F_OK);
    for (i = 0; i < PUSHERS; i++) {
        a2f_character *character = NULL;
        CHECK(a2f_character_create(all.group, &hearing, &character), A2F_OK);
        all.character[i] = character;
    }
    /* Hooks change while memory is out: what this one has no memory for is told, and what is out goes back where it came from. */
    CHECK(a2f_set_allocator(refuse, give, &hook), A2F_OK);
    CHECK(a2f_model_load(folder, &options, &none), A2F_ERROR_OUT_OF_MEMORY);
    CHECK(a2f_set_allocator(NULL, NULL, NULL), A2F_OK);

    all.running = PUSHERS + 2;
    for (i = 0; i < PUSHERS; i++) CHECK(pthread_create(&thread[count++], NULL, push, &all), 0);
    CHECK(pthread_create(&thread[count++], NULL, replace, &all), 0);
    CHECK(pthread_create(&thread[count++], NULL, regroup, &all), 0);
    CHECK(pthread_create(&thread[count++], NULL, tick, &all), 0);
    CHECK(pthread_create(&thread[count++], NULL, tick, &all), 0);
    for (i = 0; i < count; i++) pthread_join(thread[i], NULL);
    CHECK(all.unexpected, 0);
    CHECK(a2f_group_destroy(all.group), A2F_OK);
    CHECK(a2f_set_allocator(take, give, &hook), A2F_OK);
}
