/* figure.c: this side of the program lamina-figure: starting it, drawing commands, the finished file. */
#include "io/figure.h"

#include "base/memory.h"
#include "io/file.h"
#include "io/program.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct lm_figure {
  lm_program program;
  lm_status status; /* of the first command that failed */
  lm_err error;
};

/* How the program ended, which it should not have done. */
static lm_status ended(lm_figure *f, lm_err *e) {
  const int how = lm_program_wait(&f->program), code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
  if (code == LM_PROGRAM_STARVED) return lm_fail(e, LM_ERR_MEMORY, "figure: out of memory while drawing");
  if (code == LM_FIGURE_STRANGER)
    return lm_fail(e, LM_ERR_MISSING,
                   "figures need the program lamina-figure (Cairo), but the one found belongs to another version of "
                   "Lamina");
  if (WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL)
    return lm_fail(e, LM_ERR_MEMORY,
                   "figure: the program that draws was killed, as the system does when memory is full");
  if (WIFSIGNALED(how))
    return lm_fail(e, LM_ERR_STATE,
                   "figure: the program that draws crashed (%s); please report it with what was to be drawn",
                   strsignal(WTERMSIG(how)));
  return lm_fail(e, LM_ERR_MISSING,
                 "figures need the program lamina-figure (Cairo), which cannot run here (status %d): a library that "
                 "it needs may be missing, or memory is full",
                 code);
}

/* Keeps the first failure; after one the program is of no more use. */
static lm_status failed(lm_figure *f, lm_status status) {
  if (f->program.channel.closed) status = ended(f, &f->error);
  lm_program_end(&f->program);
  f->status = status;
  return status;
}

static void put(lm_figure *f, const void *bytes, size_t n) {
  if (f->status != LM_OK) return;
  lm_status status = lm_channel_put(&f->program.channel, bytes, n, &f->error);
  if (status != LM_OK) failed(f, status);
}

void lm_figure_draw(lm_figure *f, lm_figure_op op, const double *numbers, int count) {
  const uint8_t head[2] = {(uint8_t)op, (uint8_t)count};
  put(f, head, sizeof head);
  put(f, numbers, (size_t)count * sizeof *numbers);
}

static void put_text(lm_figure *f, const char *text) {
  const uint32_t n = (uint32_t)strlen(text);
  put(f, &n, sizeof n);
  put(f, text, n);
}

/* Ends the message and takes the first n bytes of the answer; finish_answer takes its end. */
static lm_status ask(lm_figure *f, lm_source *s, void *to, int64_t n, lm_err *e) {
  lm_channel *c = &f->program.channel;
  lm_status status = f->status;
  if (status == LM_OK) {
    status = lm_channel_end(c, &f->error);
    if (status == LM_ERR_IO) status = LM_OK; /* it may have said why before it went */
    if (status == LM_OK) c->closed = false;
    if (status == LM_OK) lm_channel_receive(c, s, "figure", INT64_MAX);
    if (status == LM_OK && n > 0) status = lm_source_read(s, to, n, "an answer", &f->error);
    if (status != LM_OK) failed(f, status);
  }
  if (f->status != LM_OK && e) *e = f->error;
  return f->status;
}

static lm_status finish_answer(lm_figure *f, lm_err *e) {
  lm_status status = lm_channel_finish(&f->program.channel, &f->error);
  if (status == LM_OK) return LM_OK;
  failed(f, status);
  if (e) *e = f->error;
  return f->status;
}

lm_status lm_figure_open(lm_figure **out, const char *program, lm_figure_format format, double width, double height,
                         double scale, lm_err *e) {
  lm_source s;
  *out = NULL;
  if (access(program, X_OK) != 0)
    return lm_fail(
        e, LM_ERR_MISSING,
        "figures need the program lamina-figure (Cairo), which this build lacks: install libcairo2-dev and "
        "build again (looked for %s)",
        program);
  lm_figure *f = lm_alloc_zero(sizeof *f, "figure", e);
  if (!f) return LM_ERR_MEMORY;
  lm_status status = lm_program_start(&f->program, program, LM_FIGURE_VERSION, NULL, -1, "figure", e);
  if (status == LM_OK) {
    lm_figure_draw(f, LM_FIGURE_CREATE, (const double[]){format, width, height, scale}, 4);
    status = ask(f, &s, NULL, 0, e);
  }
  if (status == LM_OK) status = finish_answer(f, e);
  if (status == LM_OK)
    *out = f;
  else
    lm_figure_close(f);
  return status;
}

void lm_figure_close(lm_figure *f) {
  if (!f) return;
  lm_program_end(&f->program);
  lm_free(f);
}

void lm_figure_text(lm_figure *f, double x, double y, const char *text, const lm_figure_font *font) {
  const double numbers[] = {x, y, font->size, font->bold, font->halign, font->valign, font->angle};
  lm_figure_draw(f, LM_FIGURE_TEXT, numbers, 7);
  put_text(f, text);
}

lm_status lm_figure_extents(lm_figure *f, const char *text, const lm_figure_font *font, double *width, double *ascent,
                            double *descent, lm_err *e) {
  lm_source s;
  double answer[3] = {0, 0, 0};
  const double numbers[] = {font->size, font->bold};
  lm_figure_draw(f, LM_FIGURE_EXTENTS, numbers, 2);
  put_text(f, text);
  lm_status status = ask(f, &s, answer, sizeof answer, e);
  if (status == LM_OK) status = finish_answer(f, e);
  *width = answer[0];
  *ascent = answer[1];
  *descent = answer[2];
  return status;
}

void lm_figure_image(lm_figure *f, const uint8_t *rgb, int64_t rows, int64_t columns, const double rectangle[4]) {
  const double numbers[] = {(double)rows, (double)columns, rectangle[0], rectangle[1], rectangle[2], rectangle[3]};
  lm_figure_draw(f, LM_FIGURE_IMAGE, numbers, 6);
  put(f, rgb, 3 * (size_t)rows * (size_t)columns);
}

lm_status lm_figure_finish(lm_figure *f, const char *path, lm_err *e) {
  lm_source s;
  int64_t n = 0;
  lm_figure_draw(f, LM_FIGURE_FINISH, NULL, 0);
  lm_status status = ask(f, &s, &n, sizeof n, e);
  if (status != LM_OK) return status;
  if (n < 0) return lm_fail(e, LM_ERR_STATE, "figure: an answer of %lld bytes", (long long)n);
  char *bytes = lm_alloc((size_t)n + 1, "figure: file", e);
  if (!bytes) return LM_ERR_MEMORY;
  status = lm_source_read(&s, bytes, n, "the file", &f->error);
  if (status == LM_OK) {
    status = finish_answer(f, e);
  } else {
    status = failed(f, status);
    if (e) *e = f->error;
  }
  if (status == LM_OK) status = lm_file_write_atomic(path, bytes, (size_t)n, e);
  lm_free(bytes);
  return status;
}
