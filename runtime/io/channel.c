/* channel.c: framed messages over a socket. */
#include "io/channel.h"

#include "base/parallel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { WAIT = 50 }; /* milliseconds between looks for Ctrl-C */
#define FAILURE UINT32_MAX

void lm_channel_start(lm_channel *c, int fd) { *c = (lm_channel){.fd = fd, .ended = true}; }

static lm_status gone(lm_channel *c, lm_err *e) {
  c->closed = true;
  return lm_fail(e, LM_ERR_IO, "the other process has ended");
}

/* Until the socket is ready, or Ctrl-C. */
static lm_status await(lm_channel *c, short event, lm_err *e) {
  struct pollfd p = {.fd = c->fd, .events = event};
  for (;;) {
    if (lm_interrupted()) return lm_fail(e, LM_ERR_INTERRUPT, "interrupted");
    int ready = poll(&p, 1, WAIT);
    if (ready > 0) return LM_OK;
    if (ready < 0 && errno != EINTR)
      return lm_fail(e, lm_status_of(errno), "cannot wait for a process: %s", strerror(errno));
  }
}

/* ---- sending ----------------------------------------------------------------------------------------------------
 */

static lm_status send_all(lm_channel *c, const void *bytes, size_t n, lm_err *e) {
  const char *p = bytes;
  while (n > 0) {
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      p += sent;
      n -= (size_t)sent;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return gone(c, e);
    lm_status status = await(c, POLLOUT, e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}

static lm_status send_frame(lm_channel *c, const void *bytes, size_t n, lm_err *e) {
  const uint32_t length = (uint32_t)n;
  lm_status status = send_all(c, &length, sizeof length, e);
  return status == LM_OK ? send_all(c, bytes, n, e) : status;
}

static lm_status flush(lm_channel *c, lm_err *e) {
  size_t n = c->used;
  c->used = 0;
  return n ? send_frame(c, c->buffer, n, e) : LM_OK;
}

lm_status lm_channel_put(void *channel, const void *bytes, size_t n, lm_err *e) {
  lm_channel *c = channel;
  const char *p = bytes;
  lm_status status = LM_OK;
  if (n > sizeof c->buffer - c->used) status = flush(c, e);
  for (; n >= sizeof c->buffer && status == LM_OK;) {
    size_t piece = n < (1u << 20) ? n : 1u << 20;
    status = send_frame(c, p, piece, e);
    p += piece;
    n -= piece;
  }
  if (status != LM_OK) return status;
  if (n) memcpy(c->buffer + c->used, p, n);
  c->used += n;
  return LM_OK;
}

lm_status lm_channel_end(lm_channel *c, lm_err *e) {
  lm_status status = flush(c, e);
  return status == LM_OK ? send_frame(c, NULL, 0, e) : status;
}

lm_status lm_channel_fail(lm_channel *c, const lm_err *failure, lm_err *e) {
  const uint32_t n = (uint32_t)strnlen(failure->message, LM_ERR_TEXT), head[3] = {FAILURE, failure->status, n};
  lm_status status = flush(c, e);
  if (status == LM_OK) status = send_all(c, head, sizeof head, e);
  return status == LM_OK ? send_all(c, failure->message, n, e) : status;
}

/* ---- receiving --------------------------------------------------------------------------------------------------
 */

static lm_status receive_all(lm_channel *c, void *to, size_t n, lm_err *e) {
  char *p = to;
  while (n > 0) {
    ssize_t got = recv(c->fd, p, n, MSG_DONTWAIT);
    if (got > 0) {
      p += got;
      n -= (size_t)got;
      continue;
    }
    if (got == 0) return gone(c, e);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return gone(c, e);
    lm_status status = await(c, POLLIN, e);
    if (status != LM_OK) return status;
  }
  return LM_OK;
}

/* The error that stands instead of a frame. */
static lm_status receive_failure(lm_channel *c, lm_err *e) {
  uint32_t head[2];
  char text[LM_ERR_TEXT];
  lm_status status = receive_all(c, head, sizeof head, e);
  if (status != LM_OK) return status;
  if (head[0] == LM_OK || head[0] > LM_ERR_MISSING || head[1] >= sizeof text) return gone(c, e);
  status = receive_all(c, text, head[1], e);
  if (status != LM_OK) return status;
  text[head[1]] = 0;
  c->ended = true;
  return lm_fail(e, (lm_status)head[0], "%s", text);
}

/* Begins the next frame; ended is set where there is none. */
static lm_status next_frame(lm_channel *c, lm_err *e) {
  lm_status status = receive_all(c, &c->left, sizeof c->left, e);
  if (status != LM_OK) c->left = 0;
  if (status != LM_OK) return status;
  if (c->left == FAILURE) {
    c->left = 0;
    return receive_failure(c, e);
  }
  c->ended = c->left == 0;
  return LM_OK;
}

static lm_status read_frames(lm_source *s, void *to, int64_t n, lm_err *e) {
  lm_channel *c = s->state;
  char *p = to;
  while (n > 0) {
    lm_status status = c->left || c->ended ? LM_OK : next_frame(c, e);
    if (status != LM_OK) return status;
    if (c->ended) return lm_fail(e, LM_ERR_FORMAT, "%s: a message ends too early", s->name);
    size_t piece = n < (int64_t)c->left ? (size_t)n : c->left;
    status = receive_all(c, p, piece, e);
    if (status != LM_OK) return status;
    c->left -= (uint32_t)piece;
    p += piece;
    n -= (int64_t)piece;
  }
  return LM_OK;
}

void lm_channel_receive(lm_channel *c, lm_source *s, const char *name, int64_t most) {
  c->ended = false;
  *s = (lm_source){.name = name, .left = most, .read = read_frames, .state = c};
}

lm_status lm_channel_finish(lm_channel *c, lm_err *e) {
  char scrap[1 << 12];
  while (!c->ended) {
    size_t piece = c->left < sizeof scrap ? c->left : sizeof scrap;
    lm_status status = piece ? receive_all(c, scrap, piece, e) : next_frame(c, e);
    if (status != LM_OK) return status;
    c->left -= piece ? (uint32_t)piece : 0;
  }
  return LM_OK;
}
