/* main.c: the arguments of the `lamina` command.
 *
 * Engine options may stand before or after the script's name; what else stands after it belongs to the script. `--`
 * ends the engine options. Nothing is run unless all of them make sense. */
#include "command.h"

#include "base/cpu.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/version.h"
#include "bind.h"
#include "io/folder.h"
#include "sandbox.h"

#include <ctype.h>
#include <errno.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
    "usage: lamina [options] [SCRIPT [options and arguments of the script]]\n"
    "       lamina [options] COMMAND [its own options], for each of which there is lamina COMMAND --help:\n"
    "\n";

static const char intro_text[] = "\n"
                                 "Without a script or code: the prompt.\n"
                                 "\n";

#define SPACED(isa) " " #isa
static const char last_text[] =
    "\n"
    "Engine options may stand before or after SCRIPT. Other options after it are parameters that the script "
    "declares\n"
    "in its experiment: lamina lenet.lua --rate 0.01\n"
    "\n"
    "environment: LAMINA_ISA chooses the kernels, one of" LM_EACH_ISA(
        SPACED) " (no result depends on it);\n"
                "LAMINA_DATA is where data sets lie; the manual page, lamina(1), has all of them\n"
                "\n"
                "exit codes: 0 fine, 1 the script failed, 2 wrong usage, 130 interrupted (Ctrl-C)\n";

static const char engine_options[] =
    "--untrusted --read --wall-time --cpu-time --file-size --output-size --output-files --open-files --processes "
    "--all-threads --print-size "
    "--seed --threads --memory --lua-memory --out --data --set --resume --digest --trace --traceback --version "
    "--help "
    "-e -i -h -v --";

static int usage(const char *format, const char *a, const char *b) {
  fputs("lamina: ", stderr);
  fprintf(stderr, format, a, b);
  fputs(" (lamina --help lists the options)\n", stderr);
  return EXIT_USAGE;
}

static bool parse_count(const char *text, int64_t low, int64_t *out) {
  char *end;
  if (!isdigit((unsigned char)text[0])) return false;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno || *end || value < low) return false;
  *out = value;
  return true;
}

/* 65536, 512K, 512M, 2G, with an optional B or iB; powers of 1024. */
bool command_bytes(const char *text, int64_t *out) {
  char *end;
  if (!isdigit((unsigned char)text[0])) return false;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  int shift = 0;
  if (*end) {
    const char *units = "KMGT", *unit = strchr(units, toupper((unsigned char)*end));
    if (unit) shift = 10 * (int)(unit - units + 1), end++;
    if (shift && *end == 'i') end++;
    if (*end == 'B') end++;
  }
  if (errno || *end || value < 1 || value > (INT64_MAX >> shift)) return false;
  *out = (int64_t)value << shift;
  return true;
}

const char *command_option(const char *name, int argc, char **argv, int *i, bool *missing) {
  size_t length = strlen(name);
  const char *argument = argv[*i];
  if (strncmp(argument, name, length) != 0) return NULL;
  if (argument[length] == '=') return argument + length + 1;
  if (argument[length]) return NULL;
  if (*i + 1 >= argc) {
    *missing = true;
    return NULL;
  }
  return argv[++*i];
}

static int append(const char **list, int *n, const char *value, const char *name) {
  if (*n == COMMAND_MAX_LIST) return usage("%s is given too often (at most 64 times)", name, "");
  list[(*n)++] = value;
  return EXIT_FINE;
}

/* A folder, or NAME=FOLDER. */
static bool is_data(const char *value) {
  const char *equals = strchr(value, '=');
  return lm_path_is_folder(value) || (equals && equals > value && lm_path_is_folder(equals + 1));
}

/* An engine option with a value at argv[*i]: *known tells whether it was one. */
static int parse_valued(command *c, int argc, char **argv, int *i, bool *known) {
  static const char *const names[] = {"--seed", "--threads",    "--memory", "--out",
                                      "--data", "--lua-memory", "--set",    NULL};
  bool missing = false;
  *known = true;
  for (int k = 0; names[k]; k++) {
    const char *value = command_option(names[k], argc, argv, i, &missing);
    if (missing) return usage("%s needs a value", names[k], "");
    if (!value) continue;
    switch (k) {
    case 0:
      if (strlen(value) > 18 && strspn(value, "0123456789") == strlen(value))
        return usage("--seed is too large: '%s' has more than 18 digits", value, "");
      if (!parse_count(value, 0, &c->seed))
        return usage("--seed must be a whole number from 0 on, got '%s'", value, "");
      c->has_seed = true;
      return EXIT_FINE;
    case 1:
      if (!parse_count(value, 1, &c->threads) || c->threads > 1024)
        return usage("--threads must be a whole number from 1 to 1024, got '%s'", value, "");
      return EXIT_FINE;
    case 2:
      if (!command_bytes(value, &c->memory))
        return usage("--memory must be a size such as 512M or 2G, got '%s'", value, "");
      return EXIT_FINE;
    case 3:
      if (!*value) return usage("--out needs the name of a folder", "", "");
      c->out = value;
      return EXIT_FINE;
    case 6:
      if (!strchr(value, '=') || *value == '=')
        return usage("--set must be NAME=VALUE, as in --set rate=0.01, got '%s'", value, "");
      return append(c->sets, &c->n_sets, value, "--set");
    case 5:
      if (!command_bytes(value, &c->lua_memory))
        return usage("--lua-memory must be a size such as 512M or 2G, got '%s'", value, "");
      return EXIT_FINE;
    default:
      if (!is_data(value)) return usage("--data: there is no folder '%s'", value, "");
      return append(c->data, &c->n_data, value, "--data");
    }
  }
  *known = false;
  return EXIT_FINE;
}

static bool parse_flag(command *c, const char *argument) {
  if (!strcmp(argument, "-i")) return c->interactive = true;
  if (!strcmp(argument, "--digest")) return c->digest = true;
  if (!strcmp(argument, "--resume")) return c->managed = c->resume = true;
  if (!strcmp(argument, "--trace")) return c->trace = true;
  if (!strcmp(argument, "--traceback")) return c->traceback = true;
  if (!strcmp(argument, "--passing-out")) return c->passing = true; /* from lamina pack and verify */
  return false;
}

/* Options that only make sense before the script; true in *known where argv[*i] is one. */
static int parse_leading(command *c, int argc, char **argv, int *i, bool *known) {
  const char *argument = argv[*i];
  *known = true;
  if (!strcmp(argument, "--help") || !strcmp(argument, "-h")) return c->help = true, EXIT_FINE;
  if (!strcmp(argument, "--version") || !strcmp(argument, "-v")) return c->version = true, EXIT_FINE;
  if (!strncmp(argument, "-e", 2)) {
    if (argument[2]) return append(c->code, &c->n_code, argument + 2, "-e");
    if (*i + 1 >= argc) return usage("-e needs code to run", "", "");
    return append(c->code, &c->n_code, argv[++*i], "-e");
  }
  *known = false;
  return EXIT_FINE;
}

int command_parse(command *c, int argc, char **argv) {
  bool ended = false, run = false;
  memset(c, 0, sizeof *c);
  c->argv = malloc(((size_t)argc + 1) * sizeof *c->argv);
  if (!c->argv) return usage("out of memory", "", "");
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    bool known = false;
    if (!ended && argument[0] == '-' && argument[1]) {
      if (!strcmp(argument, "--")) {
        ended = true;
        continue;
      }
      int status = sandbox_option(c, argc, argv, &i, &known);
      if (!status && !known) status = parse_valued(c, argc, argv, &i, &known);
      if (!status && !known) known = parse_flag(c, argument);
      if (!status && !known && !c->script) {
        status = parse_leading(c, argc, argv, &i, &known);
        if (!status && !known) {
          char near[64], name[64]; /* of --sed=3: --sed */
          snprintf(name, sizeof name, "%.*s", (int)strcspn(argument, "="), argument);
          if (argument[1] == '-' && bind_nearest(name, engine_options, near, sizeof near))
            return usage("unknown option '%s' (did you mean '%s'?)", argument, near);
          return usage("unknown option '%s'", argument, "");
        }
      }
      if (status) return status;
      if (known && c->help && run) c->subcommand = "run", c->argv[0] = argv[i], c->argc = 1; /* lamina run --help */
      if (known) continue;
    }
    if (!c->script && !c->n_code && !c->managed && !ended && !strcmp(argument, "run")) {
      c->managed = run = true; /* lamina run SCRIPT */
    } else if (!c->script && !c->n_code && !c->managed && !ended && commands_known(argument)) {
      c->subcommand = argument;
      while (++i < argc) c->argv[c->argc++] = argv[i];
    } else if (!c->script) {
      c->script = argument;
    } else {
      c->argv[c->argc++] = argv[i];
    }
  }
  c->argv[c->argc] = NULL;
  return EXIT_FINE;
}

static int protected_open(lua_State *L) {
  libs_open(L, lua_touserdata(L, 1));
  return 0;
}

/* Everything that the command does with Lua: (command) -> exit code. Called protected, as nothing below it may end in
 * a panic: what fails for want of memory between two protected calls of its own ends here. */
static int run(lua_State *L) {
  const command *c = lua_touserdata(L, 1);
  interrupt_open(L);
  bool prompt = c->interactive;
  int status = EXIT_FINE;
  if (c->subcommand) {
    status = commands_run(L, c);
  } else if (c->script || c->n_code) {
    status = script_run(L, c);
  } else if (c->managed) {
    status = usage("run: which script? lamina run SCRIPT", "", "");
  } else if (isatty(STDIN_FILENO)) {
    prompt = true;
  } else {
    command piped = *c;
    piped.script = "-";
    status = script_run(L, &piped);
  }
  lua_pushinteger(L, prompt ? repl_run(L, c) : status);
  return 1;
}

/* Calls f with the command; false, with a line that says why, where it raises. */
static bool protected_call(lua_State *L, lua_CFunction f, int results, const command *c, const char *prefix) {
  lua_pushcfunction(L, f); /* neither this nor the next can fail */
  lua_pushlightuserdata(L, (void *)(uintptr_t)c);
  if (lua_pcall(L, 1, results, 0) == LUA_OK) return true;
  const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error without a message";
  fprintf(stderr, "lamina: %s%s\n", prefix, why);
  return false;
}

/* Nothing is called unprotected, so this is never reached; if it is, the process ends as for any failure. */
static int panic(lua_State *L) {
  const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error without a message";
  fprintf(stderr, "lamina: an error outside every protected call: %s\n", why);
  _exit(EXIT_FAILED);
}

/* What Lua or a script warns of: an error in a finalizer, which has nobody to raise it to, or warn(...). */
static void on_warning(void *context, const char *text, int to_continue) {
  static bool within;
  (void)context;
  if (!within && !to_continue && *text == '@') return; /* "@on" and "@off" ask for nothing here */
  fprintf(stderr, "%s%s%s", within ? "" : "lamina: warning: ", text, to_continue ? "" : "\n");
  within = to_continue;
}

/* Lua's memory, with a limit. */
typedef struct heap {
  size_t used, limit; /* limit 0: none */
  bool refused;       /* a test has made the last allocation fail: the one after the collection fails too */
} heap;

static void *allocate(void *context, void *block, size_t old, size_t size) {
  heap *h = context;
  if (!block) old = 0; /* then it says what the block is for */
  if (size == 0) {
    free(block);
    h->used -= old;
    return NULL;
  }
  if (size > old && (h->refused || lm_memory_refuses())) {
    h->refused = !h->refused;
    return NULL;
  }
  if (h->limit && size > old && h->used + (size - old) > h->limit) return NULL;
  void *moved = realloc(block, size);
  if (moved) h->used += size - old;
  return moved;
}

/* The state, and in it everything; the exit code. */
static int run_state(const command *c) {
  heap h = {.limit = (size_t)(c->lua_memory ? c->lua_memory : lm_memory_now().machine / 2)};
  lua_State *L = lua_newstate(allocate, &h);
  if (!L) {
    fputs("lamina: cannot start: not enough memory\n", stderr);
    return EXIT_FAILED;
  }
  lua_atpanic(L, panic);
  lua_setwarnf(L, on_warning, NULL);
  int status = EXIT_FAILED;
  if (protected_call(L, protected_open, 0, c, "cannot start: ") && protected_call(L, run, 1, c, ""))
    status = (int)lua_tointeger(L, -1);
  lua_close(L);
  interrupt_close();
  return status;
}

/* LAMINA_ISA names a set of kernels that exists and that this processor can run, or is not set. */
static bool check_isa(void) {
  const char *name = getenv("LAMINA_ISA");
  if (!name || !*name) return true;
  const lm_isa isa = lm_isa_named(name);
  if (lm_cpu_has(isa)) return true;
  if (isa < LM_ISAS) {
    fprintf(stderr, "lamina: LAMINA_ISA=%s: this processor or this build has no such kernels\n", name);
    return false;
  }
  fprintf(stderr, "lamina: LAMINA_ISA=%s: no such set of kernels; there are", name);
  for (int i = 0; i < LM_ISAS; i++)
    fprintf(stderr, "%s %s", i == 0 ? "" : i + 1 < LM_ISAS ? "," : " and", lm_isa_name((lm_isa)i));
  fputs("\n", stderr);
  return false;
}

/* What the command line asks for. */
static int serve(command *c) {
  if (c->help && !c->subcommand) {
    fputs(usage_text, stdout);
    commands_list(stdout);
    fputs(intro_text, stdout);
    fputs(usage_of_code, stdout);
    fputs(usage_of_options, stdout);
    fputs(last_text, stdout);
    return EXIT_FINE;
  }
  if (c->version) {
    printf("lamina %s (numerics %d, Lua %s.%s)\n", LM_VERSION, LM_NUMERICS, LUA_VERSION_MAJOR, LUA_VERSION_MINOR);
    return EXIT_FINE;
  }
  if (!check_isa()) return EXIT_USAGE;
  if (c->inside) {
    int walled = sandbox_enter(c);
    if (walled) return walled;
  }
  signal(SIGXFSZ, SIG_IGN); /* a file that grows past `ulimit -f` is an error of that write, not the end */
  if (c->threads) lm_threads_set((int)c->threads);
  if (c->memory) lm_memory_set_budget(c->memory);
  lm_cpu_float_state();
  int status = run_state(c);
  if (fflush(stdout) != 0 && status == EXIT_FINE) {
    perror("lamina: standard output");
    status = EXIT_FAILED;
  }
  return status;
}

int main(int argc, char **argv) {
  static command c; /* os.exit ends the process while it is in use */
  int status = command_parse(&c, argc, argv);
  bool supervise = c.untrusted && !c.inside && !c.help && !c.version;
  if (!status) status = supervise ? sandbox_supervise(&c, argc, argv) : serve(&c);
  free(c.argv);
  return status;
}
