/* fuzz.h: what the fuzzers share. A reader takes a path, so the bytes of a case stand in a file without a folder. */
#ifndef FUZZ_H
#define FUZZ_H

#define _GNU_SOURCE /* memfd_create; fuzz.h comes first */

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file that holds these bytes, the same path each time; the process ends where the system refuses. */
static inline const char *fuzz_file(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (fd < 0 || ftruncate(fd, 0) != 0 || (size && pwrite(fd, data, size, 0) != (ssize_t)size)) {
    perror("fuzz_file");
    exit(1);
  }
  return path;
}

/* A reader that fails says why, and begins with the file's name; anything else is a finding. */
static inline void fuzz_told(lm_status status, const lm_err *e, const char *path) {
  if (status == LM_OK || status == LM_ERR_MEMORY) return;
  if (status != LM_ERR_FORMAT || strncmp(e->message, path, strlen(path)) != 0) {
    fprintf(stderr, "status %d: '%s'\n", (int)status, e->message);
    abort();
  }
}

#endif
