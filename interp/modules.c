/* modules.c: finding what is loaded at its first use. */
#include "modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running command, without a trailing slash; "." where the system does not tell. */
static void command_folder(char out[PATH_MAX]) {
  ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
  out[n > 0 ? n : 0] = 0;
  char *slash = strrchr(out, '/');
  if (slash)
    *slash = 0;
  else
    strcpy(out, ".");
}

bool modules_find(const char *file, char path[MODULES_PATH]) {
  static const char *const places[] = {"modules", "../lib/lamina"};
  char folder[PATH_MAX];
  const char *named = getenv("LAMINA_MODULES");
  if (named && *named) {
    snprintf(path, MODULES_PATH, "%.*s/%.40s", PATH_MAX, named, file);
    return access(path, F_OK) == 0;
  }
  command_folder(folder);
  for (int i = 0; i < 2; i++) {
    snprintf(path, MODULES_PATH, "%s/%s/%.40s", folder, places[i], file);
    if (access(path, F_OK) == 0) return true;
  }
  return false;
}
