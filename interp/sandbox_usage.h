/* sandbox_usage.h: what an untrusted script's processes use, told by /proc and its output folder (sandbox.c). */
#ifndef LM_INTERP_SANDBOX_USAGE_H
#define LM_INTERP_SANDBOX_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct usage {
  int64_t programs, threads; /* of the group; 0 where the system does not tell */
  int64_t removed;      /* bytes of removed files that they still hold (one that two of them hold counts twice) */
  int64_t files, bytes; /* of the output folder */
  bool hidden;          /* a part of the folder cannot be looked into, or lies too deep */
} usage;

/* Of a group of processes. */
void usage_of_group(usage *u, pid_t group);

/* Of the folder, links not followed; counting may end where there are more than `most` files. */
void usage_of_folder(usage *u, const char *folder, int64_t most);

/* How many threads one process has; 0: it has gone, or the system does not tell. */
int64_t usage_threads(pid_t process);

#endif
