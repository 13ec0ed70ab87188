/* program.h: a program of our own as a child process, with a socket to it: lamina-hdf5 and lamina-figure, in which
 * libraries run that must not harm a session. */
#ifndef LM_IO_PROGRAM_H
#define LM_IO_PROGRAM_H

#include "io/channel.h"

#include <sys/types.h>

/* Descriptors of the program; everything else is closed in it. */
enum { LM_PROGRAM_SOCKET = 3, LM_PROGRAM_FILE = 4 };

enum { LM_PROGRAM_STARVED = 3 }; /* its exit status where memory was refused to it (programs/starve.c) */

typedef struct lm_program {
  lm_channel channel; /* fd -1: not started */
  pid_t process;      /* 0: it has ended */
} lm_program;

/* Starts `program` with two arguments (the second may be NULL) and, where fd >= 0, that file, which stays the
 * caller's. `name` is what messages begin with. The caller ends it with lm_program_end, after a failure too. */
lm_status lm_program_start(lm_program *p, const char *program, const char *first, const char *second, int fd,
                           const char *name, lm_err *e);

/* Waits for its end, which is near; what waitpid tells of it, 0 where it was told before. */
int lm_program_wait(lm_program *p);

/* Kills it, which has nothing to save, and closes the socket. */
void lm_program_end(lm_program *p);

#endif
