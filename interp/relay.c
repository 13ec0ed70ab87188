/* relay.c: see relay.h. The threads block no limit: the process that watches goes on while a reader of ours is slow.
 */
#define _GNU_SOURCE
#include "relay.h"

#include "plain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 14, TICK = 100 /* ms */ };

/* ---- passing on ------------------------------------------------------------------------------------------------ */

static bool put(relay *r, const char *bytes, size_t n) {
  while (n) {
    const ssize_t done = write(r->to, bytes, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EAGAIN) { /* ours was made not to block by somebody who shares it */
      poll(&(struct pollfd){.fd = r->to, .events = POLLOUT}, 1, TICK);
      continue;
    }
    if (done <= 0) return false;
    r->last = bytes[done - 1];
    bytes += done;
    n -= (size_t)done;
  }
  return true;
}

static bool pass(relay *r, const unsigned char *bytes, size_t n, bool whole) {
  unsigned char text[PIECE + sizeof r->cut];
  char plain[4 * sizeof text];
  size_t used;
  if (!r->terminal) return put(r, (const char *)bytes, n);
  memcpy(text, r->cut, r->n_cut);
  memcpy(text + r->n_cut, bytes, n);
  n += r->n_cut;
  const size_t made = plain_text(plain, text, n, PLAIN_TERMINAL, whole, &used);
  r->n_cut = n - used;
  memcpy(r->cut, text + used, r->n_cut);
  return put(r, plain, made);
}

static void *run(void *context) {
  relay *r = context;
  unsigned char piece[PIECE];
  struct pollfd from = {.fd = r->pipe[0], .events = POLLIN};
  for (;;) {
    const int ready = poll(&from, 1, TICK);
    if (ready == 0 && atomic_load(&r->all->ended)) break;
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t got = ready < 0 ? -1 : read(r->pipe[0], piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    const long long before = atomic_fetch_add(&r->all->bytes, got), room = r->all->limit - before;
    if (room <= 0 || !pass(r, piece, room < got ? (size_t)room : (size_t)got, false) || room < got) break;
  }
  if (r->n_cut) pass(r, piece, 0, true);
  close(r->pipe[0]); /* who writes on is told that nobody reads */
  return NULL;
}

bool relays_open(relays *r, int64_t limit) {
  struct stat out, err;
  memset(r, 0, sizeof *r);
  r->limit = limit;
  for (int fd = 0; fd <= 2; fd++) /* one that is closed would become a pipe's */
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd) return false;
  const bool same = fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
                    out.st_ino == err.st_ino;
  r->n = same ? 1 : 2;
  for (int i = 0; i < r->n; i++) {
    relay *one = &r->of[i];
    one->all = r;
    one->to = i ? STDERR_FILENO : STDOUT_FILENO;
    one->terminal = isatty(one->to);
    one->last = '\n';
    if (pipe(one->pipe) != 0) return false;
    for (int k = 0; k < 2; k++) fcntl(one->pipe[k], F_SETFD, FD_CLOEXEC);
  }
  return true;
}

void relays_inside(const relays *r) {
  dup2(r->of[0].pipe[1], STDOUT_FILENO);
  dup2(r->of[r->n - 1].pipe[1], STDERR_FILENO);
}

bool relays_start(relays *r) {
  bool fine = true;
  for (int i = 0; i < r->n; i++) {
    close(r->of[i].pipe[1]);
    r->of[i].runs = pthread_create(&r->of[i].thread, NULL, run, &r->of[i]) == 0;
    fine = r->of[i].runs && fine;
  }
  return fine;
}

bool relays_full(relays *r) { return atomic_load(&r->bytes) > r->limit; }

void relays_end(relays *r, bool more) {
  atomic_store(&r->ended, true);
  for (int i = 0; i < r->n; i++)
    if (r->of[i].runs) pthread_join(r->of[i].thread, NULL);
  relay *errors = &r->of[r->n - 1];
  if (more && errors->last != '\n') put(errors, "\n", 1);
}
