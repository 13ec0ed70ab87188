/* err.h: how the runtime says that something went wrong.
 *
 * Every function that can fail returns an lm_status and fills the caller's lm_err; nothing in the runtime aborts,
 * exits, prints or longjmps. A message is one line, names the operation, the offending value and what was expected,
 * and has no trailing full stop. */
#ifndef LM_BASE_ERR_H
#define LM_BASE_ERR_H

typedef enum lm_status {
  LM_OK = 0,
  LM_ERR_ARGUMENT,  /* an option or argument has a wrong value */
  LM_ERR_SHAPE,     /* shapes do not fit */
  LM_ERR_DTYPE,     /* an element type that the operation does not take */
  LM_ERR_MEMORY,    /* out of memory, or of the memory budget */
  LM_ERR_IO,        /* the system refused: open, read, write, rename */
  LM_ERR_FORMAT,    /* a file that is not what it should be */
  LM_ERR_NUMERIC,   /* NaN, infinity, a singular matrix */
  LM_ERR_STATE,     /* a call at the wrong time: a graph used twice, a saved tensor changed in place */
  LM_ERR_INTERRUPT, /* the user pressed Ctrl-C */
  LM_ERR_MISSING,   /* a feature that this build or machine lacks */
  LM_ERR_DENIED,    /* an untrusted script may not do that (io/wall.h) */
  LM_ERR_RAISED     /* a function that the caller gave failed; the caller knows its error (interp/bind.c) */
} lm_status;

enum { LM_ERR_TEXT = 640 };

typedef struct lm_err {
  lm_status status;
  char message[LM_ERR_TEXT];
} lm_err;

/* The name of a status as scripts see it in err.kind: "argument", "shape", "dtype", "memory", "io", "format",
 * "numeric", "state", "interrupt", "missing", "denied", "script"; "ok" for LM_OK. */
const char *lm_status_name(lm_status status);

/* Writes the message into e (which may be NULL) and returns status, so that a check reads `return lm_fail(...)`. */
lm_status lm_fail(lm_err *e, lm_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The status of a call of the system that failed with this errno: LM_ERR_MEMORY for ENOMEM, else LM_ERR_IO. */
lm_status lm_status_of(int code);

/* Puts "what: " in front of the message that e already holds and returns its status. */
lm_status lm_fail_in(lm_err *e, lm_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
