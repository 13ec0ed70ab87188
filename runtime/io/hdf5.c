/* hdf5.c: this side of the program lamina-hdf5: starting it, asking, and telling how it ended. */
#include "io/hdf5.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/program.h"
#include "io/tree_code.h"
#include "io/wall.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL = 64 << 20, GROWTH = 1032 * 4 }; /* what an answer may have: this much, or so many times the file */

struct lm_hdf5 {
  lm_program program;
  char *name;   /* the file's */
  int64_t most; /* bytes of an answer */
};

/* ---- the program ------------------------------------------------------------------------------------------------
 */

/* A handle around a file that is open at fd, which stays the caller's. */
static lm_status start(lm_hdf5 **out, const char *program, const char *mode, const char *path, int fd, lm_err *e) {
  *out = NULL;
  if (access(program, X_OK) != 0)
    return lm_fail(e, LM_ERR_MISSING,
                   "%s: HDF5 files (.h5, netCDF-4, MATLAB 7.3) need the program lamina-hdf5, which this build lacks: "
                   "install libhdf5-dev and build again (looked for %s)",
                   path, program);
  lm_hdf5 *h = lm_alloc_zero(sizeof *h, path, e);
  if (!h) return LM_ERR_MEMORY;
  h->program.channel.fd = -1;
  h->name = lm_strdup(path, e);
  lm_status status = h->name ? lm_program_start(&h->program, program, mode, path, fd, path, e) : LM_ERR_MEMORY;
  if (status != LM_OK) {
    lm_hdf5_close(h);
    return status;
  }
  *out = h;
  return LM_OK;
}

/* Waits for the program's end, which is near, and says what it was. */
static lm_status ended(lm_hdf5 *h, lm_err *e) {
  const int how = lm_program_wait(&h->program);
  if (WIFSIGNALED(how) && WTERMSIG(how) == SIGXCPU)
    return lm_fail(e, LM_ERR_FORMAT, "%s: libhdf5 computed without end on this file: it is damaged", h->name);
  if (WIFEXITED(how) && WEXITSTATUS(how) > LM_HDF5_CRASHED)
    return lm_fail(e, LM_ERR_FORMAT, "%s: libhdf5 crashed on this file (%s): it is damaged, or made to do that",
                   h->name, strsignal(WEXITSTATUS(how) - LM_HDF5_CRASHED));
  if (WIFEXITED(how) && WEXITSTATUS(how) == LM_PROGRAM_STARVED)
    return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: libhdf5 (a damaged file may ask for any amount)", h->name);
  const int signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
  if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL || signal == SIGABRT)
    return lm_fail(e, LM_ERR_FORMAT,
                   "%s: the program lamina-hdf5 crashed on this file (%s): the file may be damaged, but this is a "
                   "defect of lamina, too: please report it with the file",
                   h->name, strsignal(signal));
  if (signal)
    return lm_fail(e, LM_ERR_IO, "%s: the program that reads HDF5 was ended by another (%s)", h->name,
                   strsignal(signal));
  return lm_fail(e, LM_ERR_FORMAT, "%s: the program that reads HDF5 ended early (status %d): the file is damaged",
                 h->name, WIFEXITED(how) ? WEXITSTATUS(how) : -1);
}

void lm_hdf5_close(lm_hdf5 *h) {
  if (!h) return;
  lm_program_end(&h->program);
  lm_free(h->name);
  lm_free(h);
}

/* ---- requests ---------------------------------------------------------------------------------------------------
 */

/* Ends the program after a failure in the middle of a message. */
static lm_status stop(lm_hdf5 *h, lm_status status, lm_err *e) {
  if (h->program.channel.closed) return ended(h, e);
  if (h->program.process) kill(h->program.process, SIGKILL);
  lm_err unused;
  ended(h, &unused);
  h->program.channel.closed = true;
  return status;
}

/* The answer to a request that was sent; `what` is what messages about it begin with. */
static lm_status answer(lm_tree *out, lm_hdf5 *h, const char *what, lm_err *e) {
  lm_source s;
  lm_err unused;
  *out = (lm_tree){0};
  lm_channel_receive(&h->program.channel, &s, what, h->most);
  lm_status status = lm_tree_decode(out, &s, e);
  if (status == LM_OK && !h->program.channel.closed) status = lm_channel_finish(&h->program.channel, e);
  if (status == LM_OK) return LM_OK;
  lm_tree_free(out);
  bool refused = !h->program.channel.closed && (status == LM_ERR_FORMAT || status == LM_ERR_MEMORY);
  if (refused)
    lm_channel_finish(&h->program.channel, &unused); /* what was refused here is passed over: the handle lives */
  if (!h->program.channel.ended || h->program.channel.closed) return stop(h, status, e);
  return status;
}

typedef lm_status (*put_request)(lm_hdf5 *h, const void *what, lm_err *e);

static lm_status ask(lm_tree *out, lm_hdf5 *h, put_request put, const void *what, const char *name, lm_err *e) {
  if (!h->program.process || h->program.channel.closed)
    return lm_fail(e, LM_ERR_STATE, "%s: this handle came to its end with an earlier error; open the file again",
                   h->name);
  lm_status status = put(h, what, e);
  if (status == LM_OK) status = lm_channel_end(&h->program.channel, e);
  if (status != LM_OK && status != LM_ERR_IO) return stop(h, status, e);
  if (status != LM_OK) h->program.channel.closed = false; /* it may have said why before it went */
  return answer(out, h, name, e);
}

static lm_status put_text(lm_hdf5 *h, const char *name, const char *text, lm_err *e) {
  lm_status status = lm_tree_put_item(name, lm_channel_put, &h->program.channel, e);
  return status == LM_OK
             ? lm_tree_put_text(LM_TREE_TEXT, text, (int64_t)strlen(text), lm_channel_put, &h->program.channel, e)
             : status;
}

static lm_status put_shape(lm_hdf5 *h, const char *name, int ndim, const int64_t *shape, lm_err *e) {
  lm_status status = lm_tree_put_item(name, lm_channel_put, &h->program.channel, e);
  return status == LM_OK ? lm_tree_put_shape(LM_TREE_SHAPE, ndim, shape, lm_channel_put, &h->program.channel, e)
                         : status;
}

/* What is asked of an object. */
typedef struct question {
  const char *op, *path; /* NULL: of the whole file */
  int ndim;              /* of a block; -1: all */
  const int64_t *start, *count;
} question;

static lm_status put_question(lm_hdf5 *h, const void *what, lm_err *e) {
  const question *q = what;
  lm_status status = lm_tree_put_table(lm_channel_put, &h->program.channel, e);
  if (status == LM_OK) status = put_text(h, "op", q->op, e);
  if (status == LM_OK && q->path) status = put_text(h, "path", q->path, e);
  if (status == LM_OK && q->ndim >= 0) status = put_shape(h, "start", q->ndim, q->start, e);
  if (status == LM_OK && q->ndim >= 0) status = put_shape(h, "count", q->ndim, q->count, e);
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, &h->program.channel, e) : status;
}

lm_status lm_hdf5_list(lm_tree *out, lm_hdf5 *h, lm_err *e) {
  return ask(out, h, put_question, &(question){.op = "list", .ndim = -1}, h->name, e);
}

lm_status lm_hdf5_attributes(lm_tree *out, lm_hdf5 *h, const char *object, lm_err *e) {
  return ask(out, h, put_question, &(question){.op = "attributes", .path = object, .ndim = -1}, h->name, e);
}

lm_status lm_hdf5_read(lm_tree *out, lm_hdf5 *h, const char *dataset, int ndim, const int64_t *from,
                       const int64_t *count, lm_err *e) {
  char name[4096];
  snprintf(name, sizeof name, "%s: '%s'", h->name, dataset);
  return ask(out, h, put_question, &(question){"read", dataset, ndim, from, count}, name, e);
}

lm_status lm_hdf5_open(lm_hdf5 **out, const char *program, const char *path, lm_err *e) {
  *out = NULL;
  if (lm_wall_check(path, false, e) != LM_OK) return LM_ERR_DENIED;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer is refused, too */
  if (fd < 0) return lm_fail(e, lm_status_of(errno), "%s: cannot open: %s", path, strerror(errno));
  struct stat info;
  lm_status status = LM_OK;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    status = lm_fail(e, LM_ERR_IO, "%s: cannot read: not a regular file", path);
  if (status == LM_OK) status = lm_files_note(path, e);
  if (status == LM_OK) status = start(out, program, "read", path, fd, e);
  close(fd);
  if (status != LM_OK) return status;
  int64_t size = info.st_size;
  (*out)->most = size > INT64_MAX / GROWTH ? INT64_MAX : size * GROWTH < SMALL ? SMALL : size * GROWTH;
  (*out)->most += (*out)->most < INT64_MAX / 2 ? SMALL : 0; /* beside the numbers, a few bytes about them */
  return LM_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------
 */

typedef struct contents {
  const lm_tree *tree, *attributes;
  int64_t compress;
} contents;

static lm_status put_contents(lm_hdf5 *h, const void *what, lm_err *e) {
  const contents *c = what;
  lm_status status = lm_tree_put_table(lm_channel_put, &h->program.channel, e);
  if (status == LM_OK) status = put_text(h, "op", "write", e);
  if (status == LM_OK) status = put_shape(h, "compress", 1, &c->compress, e);
  if (status == LM_OK) status = lm_tree_put_item("contents", lm_channel_put, &h->program.channel, e);
  if (status == LM_OK) status = lm_tree_encode(c->tree, lm_channel_put, &h->program.channel, e);
  if (status == LM_OK && c->attributes) {
    status = lm_tree_put_item("attributes", lm_channel_put, &h->program.channel, e);
    if (status == LM_OK) status = lm_tree_encode(c->attributes, lm_channel_put, &h->program.channel, e);
  }
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, &h->program.channel, e) : status;
}

lm_status lm_hdf5_write(const char *program, const char *path, const lm_tree *tree, const lm_tree *attributes,
                        int compress, lm_err *e) {
  lm_writer *w;
  lm_hdf5 *h = NULL;
  lm_tree done;
  lm_status status = lm_writer_open(&w, path, e);
  if (status != LM_OK) return status;
  int fd = lm_writer_descriptor(w);
  if (fd < 0) status = lm_fail(e, LM_ERR_IO, "%s: cannot write HDF5: not a regular file", path);
  if (status == LM_OK) status = start(&h, program, "write", path, fd, e);
  if (status == LM_OK) {
    h->most = SMALL;
    status = ask(&done, h, put_contents, &(contents){tree, attributes, compress}, path, e);
    if (status == LM_OK) lm_tree_free(&done);
  }
  lm_hdf5_close(h);
  if (status == LM_OK) return lm_writer_commit(w, e);
  lm_writer_drop(w);
  return status;
}
