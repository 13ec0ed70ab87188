/* wall.c: the paths that may be touched. */
#include "io/wall.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **readable; /* outside lm_alloc: they last as long as the process */
static int readables;
static char *writable;
static bool stands;

lm_status lm_wall_raise(const char *const *read, int n, const char *write, lm_err *e) {
  if (stands) return lm_fail(e, LM_ERR_STATE, "wall: it stands already");
  stands = true; /* whatever fails below, nothing is let through */
  readable = calloc((size_t)n + 1, sizeof *readable);
  if (!readable) return lm_fail(e, LM_ERR_MEMORY, "wall: out of memory");
  for (int i = 0; i < n; i++) {
    readable[readables] = realpath(read[i], NULL);
    if (!readable[readables])
      return lm_fail(e, LM_ERR_IO, "%s: cannot be made readable: %s", read[i], strerror(errno));
    readables++;
  }
  if (write && !(writable = realpath(write, NULL)))
    return lm_fail(e, LM_ERR_IO, "%s: cannot be made writable: %s", write, strerror(errno));
  return LM_OK;
}

bool lm_wall_stands(void) { return stands; }

/* Whether an absolute path is `root` or below it. */
static bool within(const char *path, const char *root) {
  size_t n = strlen(root);
  return strncmp(path, root, n) == 0 && (path[n] == 0 || path[n] == '/' || root[n - 1] == '/');
}

/* The path with links followed, as far as it exists; what does not exist yet must not hold "..". */
static bool resolve(const char *path, char out[PATH_MAX]) {
  char copy[PATH_MAX];
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof copy) return false;
  if (realpath(path, out)) return true;
  memcpy(copy, path, n + 1);
  while (n > 1 && copy[n - 1] == '/') copy[--n] = 0;
  for (;;) { /* cut parts off the end until what is left exists */
    char *slash = strrchr(copy, '/');
    const char *rest = path + (slash ? slash - copy + 1 : 0);
    if (slash == copy)
      strcpy(copy, "/");
    else if (slash)
      *slash = 0;
    else
      strcpy(copy, ".");
    if (realpath(copy, out)) {
      for (const char *p = rest; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (!strncmp(p, "..", 2) && (p[2] == '/' || p[2] == 0)) return false;
      size_t used = strlen(out);
      return (size_t)snprintf(out + used, PATH_MAX - used, "/%s", rest) < PATH_MAX - used;
    }
    if (!slash || slash == copy) return false;
  }
}

lm_status lm_wall_check(const char *path, bool writing, lm_err *e) {
  char real[PATH_MAX];
  if (!stands) return LM_OK;
  if (resolve(path, real)) {
    if (writable && within(real, writable)) return LM_OK;
    if (!strcmp(real, "/dev/null")) return LM_OK;
    for (int i = 0; i < readables && !writing; i++)
      if (within(real, readable[i])) return LM_OK;
  }
  static const char reading[] =
      "%s: not allowed: an untrusted script reads its own folder and what --data and --read "
      "name, and writes into its output folder alone";
  static const char writes[] = "%s: not allowed: an untrusted script writes into its output folder alone";
  return writing ? lm_fail(e, LM_ERR_DENIED, writes, path) : lm_fail(e, LM_ERR_DENIED, reading, path);
}
