/* modules.c: finding what is loaded at its first use. */
#define _GNU_SOURCE /* dladdr */
#include "modules.h"

#include <dlfcn.h>
#include <stdint.h>
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

/* The folder of the library that this code is in, where it is a module of a stock Lua; false in the command. */
static bool library_folder(char out[PATH_MAX]) {
  Dl_info info;
  if (!dladdr((const void *)(uintptr_t)&modules_find, &info)) return false;
  if (!info.dli_fname || !strstr(info.dli_fname, ".so")) return false;
  if (strlen(info.dli_fname) >= PATH_MAX) return false;
  strcpy(out, info.dli_fname);
  char *slash = strrchr(out, '/');
  if (slash)
    *slash = 0;
  else
    strcpy(out, ".");
  return true;
}

bool modules_find(const char *file, char path[MODULES_PATH]) {
  static const char *const beside_command[] = {"modules", "../lib/lamina"};
  static const char *const beside_library[] = {"../modules", "../../lamina", "lamina"}; /* the last as a rock */
  char folder[PATH_MAX];
  const char *named = getenv("LAMINA_MODULES");
  if (named && *named) {
    snprintf(path, MODULES_PATH, "%.*s/%.40s", PATH_MAX, named, file);
    return access(path, F_OK) == 0;
  }
  const bool library = library_folder(folder);
  const char *const *places = library ? beside_library : beside_command;
  if (!library) command_folder(folder);
  for (int i = 0, n = library ? 3 : 2; i < n; i++) {
    snprintf(path, MODULES_PATH, "%s/%s/%.40s", folder, places[i], file);
    if (access(path, F_OK) == 0) return true;
  }
  return false;
}
