/* starve.c: the end of memory is the end of the program: part of lamina-figure and lamina-hdf5.
 *
 * Cairo, fontconfig and libhdf5 do not all look at what malloc gives them: refused once, they may crash, leave a word
 * out of a picture, or a dataset out of what they read, and say nothing. In these programs that cannot be, because
 * the functions here stand before the C library's for everybody in them: a refusal ends the program with the status
 * that the session reads as out of memory. Under a sanitizer, which has its own functions, they are left out. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "io/program.h"

#ifndef LM_SANITIZED

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static void *given(void *block, size_t bytes) {
  if (!block && bytes > 0) _exit(LM_PROGRAM_STARVED);
  return block;
}

/* The C library's function of that name, or of a library that was loaded before it. */
static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) _exit(LM_PROGRAM_STARVED);
  return found;
}

#define NEXT(result, name, parameters)                                                                               \
  static result(*next_##name) parameters;                                                                            \
  if (!next_##name) next_##name = (result(*) parameters)(uintptr_t)next(#name)

EXPORT void *malloc(size_t bytes);
EXPORT void *malloc(size_t bytes) {
  NEXT(void *, malloc, (size_t));
  return given(next_malloc(bytes), bytes);
}

EXPORT void *calloc(size_t count, size_t size);
EXPORT void *calloc(size_t count, size_t size) {
  NEXT(void *, calloc, (size_t, size_t));
  return given(next_calloc(count, size), count && size ? 1 : 0);
}

EXPORT void *realloc(void *block, size_t bytes);
EXPORT void *realloc(void *block, size_t bytes) {
  NEXT(void *, realloc, (void *, size_t));
  return given(next_realloc(block, bytes), bytes);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t bytes);
EXPORT int posix_memalign(void **out, size_t alignment, size_t bytes) {
  NEXT(int, posix_memalign, (void **, size_t, size_t));
  int code = next_posix_memalign(out, alignment, bytes);
  if (code == ENOMEM) _exit(LM_PROGRAM_STARVED);
  return code;
}

#endif
