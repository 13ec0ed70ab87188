/* sandbox.h: running scripts that are not trusted (lamina --untrusted).
 *
 * Two walls. The interpreter's (untrusted.c): no bytecode, programs, native libraries or debug library, and paths by
 * runtime/io/wall.h. The kernel's (walls.c, walls_calls.c): limits, Landlock and seccomp, in a process of its own
 * that the first one starts, watches and ends (sandbox.c; sandbox_usage.c looks at what it uses, relay.c passes on
 * what it prints). What the running kernel cannot enforce is told on stderr.
 *
 * What the process may do: read its script's folder, what --data and --read name, and the system's libraries and
 * fonts; write below --out; start lamina-hdf5, which inherits all of this; nothing of the network. */
#ifndef LM_INTERP_SANDBOX_H
#define LM_INTERP_SANDBOX_H

#include "command.h"

/* The variable that tells the process behind the walls which of its streams (1, 2) are terminals in the end: what it
 * writes goes through pipes of the process that watches. */
#define SANDBOX_TERMINALS "LAMINA_TERMINALS"

/* An option of the sandbox at argv[*i], with its value: *known tells whether it was one. Returns an exit code. */
int sandbox_option(command *c, int argc, char **argv, int *i, bool *known);

/* Starts this command again for the script of c, behind the walls, and watches it. Returns the exit code. */
int sandbox_supervise(const command *c, int argc, char **argv);

/* In the process that was started so: fills in the limits that were not given and raises the walls, before anything
 * of the script is looked at. EXIT_FINE, or an exit code after a message. */
int sandbox_enter(command *c);

/* The folders that the script may read: its own first; NULL after the last. The list lasts as long as the process. */
const char *const *sandbox_readable(const command *c);

/* The kernel's walls: rlimits, capabilities, Landlock, then the filter of system calls. Each writes to `missing`, of
 * `room` bytes, what it could not do (nothing where all stands), separated by "; ". */
void walls_limits(const command *c, char *missing, size_t room);
bool walls_paths(const command *c, char *missing, size_t room); /* false: no Landlock, so no program may be started */
void walls_calls(bool paths, bool scoped, char *missing, size_t room);
bool walls_scoped(void); /* whether Landlock keeps signals inside */

/* Adds a line to `missing`. */
void walls_lack(char *missing, size_t room, const char *what);

/* The interpreter's wall, once the libraries are open: takes away what a script must not have. */
void untrusted_open(lua_State *L);

#endif
