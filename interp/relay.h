/* relay.h: what an untrusted script prints, on its way through the process that watches it (sandbox.c): counted,
 * never more than it may print, and where it goes to a terminal without what could move a cursor or change the
 * terminal. */
#ifndef LM_INTERP_RELAY_H
#define LM_INTERP_RELAY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relays;

/* One stream: a thread takes from a pipe what the script writes and writes it where our own stream goes. */
typedef struct relay {
  struct relays *all;
  pthread_t thread;
  int pipe[2], to;
  bool runs, terminal;
  char last;            /* what was written last */
  unsigned char cut[4]; /* the beginning of a character whose rest has not come yet */
  size_t n_cut;
} relay;

typedef struct relays {
  relay of[2];   /* output and errors; one for both where they go to the same place, so that their order is kept */
  int n;         /* how many there are */
  int64_t limit; /* of bytes, both together */
  atomic_llong bytes; /* that came */
  atomic_bool ended;  /* nothing more comes */
} relays;

/* Makes the pipes; false, with errno, where there are none. */
bool relays_open(relays *r, int64_t limit);

/* In the new process: its output and errors become the pipes'. */
void relays_inside(const relays *r);

/* In the watching process, once the new one is there: passes on what comes. False where no thread could be started.
 */
bool relays_start(relays *r);

/* Whether more came than may. */
bool relays_full(relays *r);

/* Once every process that writes has gone: passes on what is still there, and ends; on a new line where more is
 * to be said. */
void relays_end(relays *r, bool more);

#endif
