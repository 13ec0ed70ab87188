/* fetch.h: a file from an address, through libcurl: a module that is loaded at its first use.
 *
 * Only http and https, also where an address sends on to another, which it may at most 5 times. */
#ifndef LM_FETCH_FETCH_H
#define LM_FETCH_FETCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { LM_FETCH_VERSION = 1, LM_FETCH_TEXT = 256 };

typedef struct lm_fetch_request {
  const char *url;
  FILE *to;      /* what comes is written here */
  int64_t from;  /* bytes that are there already: what follows them is asked for */
  int64_t limit; /* the most bytes that the whole file may have; more is an error */
  int stall;     /* seconds without a byte after which it is given up */
  bool (*progress)(void *context, int64_t done, int64_t total); /* false stops; total 0: unknown; NULL: none */
  void *context;
} lm_fetch_request;

typedef struct lm_fetch_result {
  long status;     /* of HTTP; 0: no answer */
  int64_t written; /* bytes written to `to` */
  bool from_start; /* the server has sent the whole file although a part was asked for: `to` was emptied first */
  bool stopped;    /* by progress */
  char text[LM_FETCH_TEXT]; /* what went wrong; "" where nothing did */
} lm_fetch_result;

typedef struct lm_fetch_table {
  int version;
  void (*get)(const lm_fetch_request *request, lm_fetch_result *result);
} lm_fetch_table;

/* In the module: the symbol lm_fetch_api. */

#endif
