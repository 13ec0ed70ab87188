/* command.h: the `lamina` command: its arguments, the Lua state that it sets up, and the two ways to use it.
 *
 * main.c reads the arguments into a `command`; libs.c opens the state; script.c runs files and code; repl.c talks to
 * a person. Exit codes: 0, 1 the script failed, 2 wrong usage, 130 interrupted. */
#ifndef LM_INTERP_COMMAND_H
#define LM_INTERP_COMMAND_H

#include <lauxlib.h>
#include <lua.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };
enum { COMMAND_MAX_LIST = 64 };

enum { WALL_INTERPRETER = 1, WALL_KERNEL = 2 };

/* What an untrusted script may use (sandbox.h). */
typedef struct command_limits {
  double wall, cpu;            /* seconds */
  int64_t file, output, print; /* bytes of one file, of all that is written, of what is printed */
  int64_t files, descriptors;  /* how many files are written, are open */
  int64_t processes, threads;  /* how many programs run, and threads in all of them */
} command_limits;

typedef struct command {
  const char *subcommand;             /* its name, argv is its own; NULL: none */
  const char *script;                 /* a file; "-": standard input; NULL: none */
  const char *code[COMMAND_MAX_LIST]; /* each -e CODE, in order */
  const char *data[COMMAND_MAX_LIST]; /* each --data, as given */
  const char *sets[COMMAND_MAX_LIST]; /* each --set NAME=VALUE */
  int n_code, n_data, n_sets;
  const char *out; /* --out, or NULL */
  bool has_seed;
  int64_t seed;       /* --seed */
  int64_t threads;    /* --threads; 0: as many as there are usable cores */
  int64_t memory;     /* --memory in bytes; 0: no budget */
  int64_t lua_memory; /* --lua-memory in bytes; 0: no limit */
  bool interactive;   /* -i: the prompt after the script */
  bool managed;       /* lamina run: trainings keep checkpoints by themselves */
  bool resume;        /* --resume: go on with an unfinished run */
  bool digest;        /* --digest: of the weights and results, at the end */
  bool trace;         /* --trace: of every training step */
  bool traceback;     /* --traceback: with every error */
  bool passing;       /* --passing-out: the folder of --out will be gone, so no message names it */
  bool help, version;
  bool untrusted;                     /* --untrusted: behind walls */
  bool inside;                        /* this is the process behind them (--untrusted-inside) */
  unsigned walls;                     /* which of them stand: WALL_... */
  const char *read[COMMAND_MAX_LIST]; /* each --read */
  int n_read;
  command_limits limits;
  int argc; /* what is left for the script, with its options */
  char **argv;
} command;

/* Reads the arguments; on wrong usage prints one line to stderr and returns EXIT_USAGE, else EXIT_FINE. The
 * strings and the list of c->argv (made with malloc) live as long as the process. */
int command_parse(command *c, int argc, char **argv);

/* What --help says of the options: -e, - and -i, and all that `lamina run` has, too (usage.c). */
extern const char usage_of_code[], usage_of_options[];

/* A size such as 65536, 512K or 2G. */
bool command_bytes(const char *text, int64_t *out);

/* The value of `--name value` or `--name=value` at argv[*i]; moves *i past it. NULL: not this option. *missing: it
 * has no value. */
const char *command_option(const char *name, int argc, char **argv, int *i, bool *missing);

/* The libraries, the searcher for "lamina.*", strict globals and words, and the module "lamina.core.command", which
 * tells the Lua library how the command was called. May raise; call it protected. */
void libs_open(lua_State *L, const command *c);

/* The same for a Lua that is not ours (module.c): its globals stay as they are, the library has an environment of its
 * own. */
void libs_open_module(lua_State *L);

/* Loads text as a chunk, never bytecode. A first line that begins with '#' is skipped. The text is remembered under
 * the name that messages use, so that an error can show its line. Returns Lua's status; leaves function or message.
 */
void libs_remember(lua_State *L, const char *text, size_t size, const char *chunk);
int libs_load(lua_State *L, const char *text, size_t size, const char *chunk);

/* Opens the repeatable replacements: pairs, next, table.sort, tostring, print, string.format, load, ... */
void repeatable_open(lua_State *L);

/* The same for math.* and the number formats. */
void numbers_open(lua_State *L);

/* Where math.random stands: its seed and how much has been drawn. */
void numbers_mark(uint64_t mark[2]);
void numbers_return(const uint64_t mark[2]);

/* Pushes the text that tostring gives for the value at an index: no address in it. */
const char *repeatable_tostring(lua_State *L, int index, size_t *size);

/* Ctrl-C: installs the signal handler; a computation in L or its coroutines then raises an error of the kind
 * "interrupt". The third press without an answer ends the process with EXIT_INTERRUPTED. */
void interrupt_open(lua_State *L);
void interrupt_clear(void); /* forgets a press that nothing has answered yet */
void interrupt_close(void); /* the state is gone: from now on Ctrl-C ends the process as it ends any */

/* Runs -e code, then the script; reports errors; closes the experiment. Returns the exit code. */
int script_run(lua_State *L, const command *c);

/* lua_pcall with a handler that turns what was raised into an error value. */
int script_call(lua_State *L, int n_arguments, int n_results);

/* Writes the error value on top of the stack to stderr, pops it, and returns the exit code for it. The position is
 * left out where it is in the chunk `quiet` (NULL: none). */
int script_report(lua_State *L, bool traceback, const char *prefix, const char *quiet);

/* Pops the error value that ended things, or nil, and closes the experiment if there is one; a failure to do so is
 * reported. Returns the exit code. */
int script_finish(lua_State *L, const command *c);

/* The subcommands (commands.c): whether there is one of this name, a line for each, and running c->subcommand; what
 * it returns is the exit code. */
bool commands_known(const char *name);
void commands_list(FILE *to);
/* The name of the subcommand ("run" is one) nearest to a name, in `out`; false where none is near. */
bool commands_nearest(const char *name, char *out, size_t size);
int commands_run(lua_State *L, const command *c);

/* The prompt, until Ctrl-D. Returns the exit code. */
int repl_run(lua_State *L, const command *c);

#endif
