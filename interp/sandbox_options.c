/* sandbox_options.c: the options that go with --untrusted, and the folders that they let a script read. */
#include "sandbox.h"

#include "io/folder.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(const char *format, const char *name, const char *value) {
  fputs("lamina: ", stderr);
  fprintf(stderr, format, name, value);
  fputs(" (lamina --help lists the options)\n", stderr);
  return EXIT_USAGE;
}

typedef struct number_option {
  const char *name;
  double *seconds;
  int64_t *bytes, *count;
} number_option;

static bool read_seconds(const char *text, double *out) {
  char *end;
  errno = 0;
  *out = strtod(text, &end);
  return isdigit((unsigned char)text[0]) && !errno && !*end && isfinite(*out) && *out > 0 && *out < 1e9;
}

static int take(const number_option *o, const char *value) {
  int64_t n;
  if (o->seconds) {
    if (!read_seconds(value, o->seconds))
      return wrong("%s must be a number of seconds above 0, got '%s'", o->name, value);
  } else if (o->bytes) {
    if (!command_bytes(value, o->bytes))
      return wrong("%s must be a size such as 512M or 2G, got '%s'", o->name, value);
  } else {
    char *end;
    errno = 0;
    n = strtoll(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || errno || *end || n < 1 || n > 1000000)
      return wrong("%s must be a whole number from 1 to 1000000, got '%s'", o->name, value);
    *o->count = n;
  }
  return EXIT_FINE;
}

static int take_walls(command *c, const char *argument) {
  static const char name[] = "--untrusted";
  const char *which = argument + sizeof name - 1;
  c->untrusted = true;
  c->walls = WALL_INTERPRETER | WALL_KERNEL;
  if (!*which) return EXIT_FINE;
  if (!strcmp(which, "=kernel"))
    c->walls = WALL_KERNEL;
  else if (!strcmp(which, "=interpreter"))
    c->walls = WALL_INTERPRETER;
  else
    return wrong("%s takes nothing, =kernel or =interpreter, got '%s'", name, which + 1);
  return EXIT_FINE;
}

int sandbox_option(command *c, int argc, char **argv, int *i, bool *known) {
  command_limits *l = &c->limits;
  const number_option numbers[] = {
      {.name = "--wall-time", .seconds = &l->wall},    {.name = "--cpu-time", .seconds = &l->cpu},
      {.name = "--file-size", .bytes = &l->file},      {.name = "--output-size", .bytes = &l->output},
      {.name = "--output-files", .count = &l->files},  {.name = "--open-files", .count = &l->descriptors},
      {.name = "--processes", .count = &l->processes}, {.name = "--all-threads", .count = &l->threads},
      {.name = "--print-size", .bytes = &l->print}};
  *known = true;
  if (!strcmp(argv[*i], "--untrusted") || !strncmp(argv[*i], "--untrusted=", 12)) return take_walls(c, argv[*i]);
  if (!strcmp(argv[*i], "--untrusted-inside")) return c->inside = true, EXIT_FINE;
  bool missing = false;
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
    const char *value = command_option(numbers[k].name, argc, argv, i, &missing);
    if (missing) return wrong("%s needs a value%s", numbers[k].name, "");
    if (value) return take(&numbers[k], value);
  }
  const char *path = command_option("--read", argc, argv, i, &missing);
  if (missing) return wrong("%s needs a value%s", "--read", "");
  if (path) {
    if (!lm_path_exists(path)) return wrong("%s: there is no '%s'", "--read", path);
    if (c->n_read == COMMAND_MAX_LIST) return wrong("%s is given too often (at most 64 times)%s", "--read", "");
    c->read[c->n_read++] = path;
    return EXIT_FINE;
  }
  *known = false;
  return EXIT_FINE;
}

/* The script's folder; NULL where there is none. */
static const char *own_folder(const command *c) {
  static char folder[PATH_MAX];
  if (!c->script || !strcmp(c->script, "-")) return NULL;
  const char *slash = strrchr(c->script, '/');
  int n = slash ? (int)(slash - c->script) : 0;
  if (n >= PATH_MAX) return NULL;
  snprintf(folder, sizeof folder, "%.*s", n ? n : 1, slash && n ? c->script : slash ? "/" : ".");
  return folder;
}

const char *const *sandbox_readable(const command *c) {
  static const char *list[2 * COMMAND_MAX_LIST + 2];
  int n = 0;
  const char *own = own_folder(c);
  if (own) list[n++] = own;
  for (int i = 0; i < c->n_data; i++) {
    const char *equals = strchr(c->data[i], '=');
    list[n++] = lm_path_is_folder(c->data[i]) || !equals ? c->data[i] : equals + 1;
  }
  for (int i = 0; i < c->n_read; i++) list[n++] = c->read[i];
  list[n] = NULL;
  return list;
}
