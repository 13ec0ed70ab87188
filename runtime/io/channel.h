/* channel.h: messages over a socket to another process. A message is a run of frames, each its length (uint32) and
 * bytes; a frame of no bytes ends it. A sender that fails in the middle sends, instead of a frame, a length of all
 * ones, its status, and the text. Waiting polls for Ctrl-C. */
#ifndef LM_IO_CHANNEL_H
#define LM_IO_CHANNEL_H

#include "io/source.h"

#include <stddef.h>
#include <stdint.h>

typedef struct lm_channel {
  int fd;
  size_t used;        /* of the buffer: bytes not yet sent */
  uint32_t left;      /* of the frame that is being received */
  bool ended, closed; /* the message is at its end; the other side is gone */
  char buffer[1 << 16];
} lm_channel;

void lm_channel_start(lm_channel *c, int fd);

/* An lm_put that sends bytes. Where the other side is gone: LM_ERR_IO, and closed is set. */
lm_status lm_channel_put(void *channel, const void *bytes, size_t n, lm_err *e);

/* Ends the message that was sent, well or with the error. */
lm_status lm_channel_end(lm_channel *c, lm_err *e);
lm_status lm_channel_fail(lm_channel *c, const lm_err *failure, lm_err *e);

/* The next message as a source of at most `most` bytes. An error that the sender reports is the reader's. */
void lm_channel_receive(lm_channel *c, lm_source *s, const char *name, int64_t most);

/* Passes over what is left of the message. */
lm_status lm_channel_finish(lm_channel *c, lm_err *e);

#endif
