/* What the parts of the abuse program share. */
#ifndef ABUSE_H
#define ABUSE_H

#include "a2f.h"

#define CHECK(call, expected) check_at(__LINE__, #call, (int32_t)(call), (int32_t)(expected))

void check_at(int line, const char *what, int32_t found, int32_t expected);
void check_text_at(int line, const char *text, const char *part);

/* Every function that takes a handle, with handles that are none. */
void every_function(a2f_model *model, a2f_group *group, a2f_character *character, a2f_audio *audio, int destroyed);

void group_misuse(a2f_model *model, a2f_model *emotion);
void character_misuse(a2f_model *model, a2f_group *group, a2f_character *character);

/* Emotion models, and characters that hear. */
void emotions(const char *folder, a2f_model *face, a2f_model *emotion);

/* The function that is told of frames: what it may do, and on which thread it is called. */
void reports(a2f_model *model);

/* Threads that push, read and destroy while others tick. */
void threads(const char *folder, const char *emotion_folder);

/* Pushing, ticking and reading take no memory from the allocator once they are warm. */
void steady_state(a2f_model *model, a2f_model *emotion);

/* An allocator that counts; whether all came back. */
void count_memory(void);
void check_memory(void);

#endif
