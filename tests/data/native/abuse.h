/* What the parts of the abuse program share. */
#ifndef ABUSE_H
#define ABUSE_H

#include "a2f.h"

#define CHECK(call, expected) check_at(__LINE__, #call, (int32_t)(call), (int32_t)(expected))

void check_at(int line, const char *what, int32_t found, int32_t expected);
void check_text_at(int line, const char *text, const char *part);

/* Every function that takes a handle, with handles that are none. */
void every_function(a2f_model *model, a2f_group *group, a2f_character *character, a2f_audio *audio, int destroyed);

void group_misuse(a2f_model *model);
void character_misuse(a2f_model *model, a2f_group *group, a2f_character *character);

/* Threads that push, read and destroy while others tick. */
void threads(const char *folder);

/* An allocator that counts; whether all came back. */
void count_memory(void);
void check_memory(void);

#endif
