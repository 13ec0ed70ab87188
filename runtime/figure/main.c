/* main.c: the program's frame: commands in, a file out. It serves one picture (io/figure.h). */
#include "figure/canvas.h"

#include "base/memory.h"
#include "io/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

/* How many numbers a command has; DASH has any. */
static const int numbers_of[LM_FIGURE_OPS] = {
    [LM_FIGURE_CREATE] = 4,  [LM_FIGURE_COLOR] = 4,   [LM_FIGURE_PEN] = 2,       [LM_FIGURE_DASH] = -1,
    [LM_FIGURE_MOVE_TO] = 2, [LM_FIGURE_LINE_TO] = 2, [LM_FIGURE_RECTANGLE] = 4, [LM_FIGURE_CIRCLE] = 3,
    [LM_FIGURE_FILL] = 1,    [LM_FIGURE_STROKE] = 1,  [LM_FIGURE_TEXT] = 7,      [LM_FIGURE_EXTENTS] = 2,
    [LM_FIGURE_IMAGE] = 6};

typedef struct command {
  uint8_t op, count;
  double numbers[LM_FIGURE_NUMBERS];
} command;

static lm_status read_command(command *k, lm_source *s, lm_err *e) {
  uint8_t head[2];
  lm_status status = lm_source_read(s, head, sizeof head, "a command", e);
  if (status != LM_OK) return status;
  k->op = head[0];
  k->count = head[1];
  if (k->op >= LM_FIGURE_OPS || k->count > LM_FIGURE_NUMBERS ||
      (numbers_of[k->op] >= 0 && numbers_of[k->op] != k->count))
    return lm_fail(e, LM_ERR_STATE, "figure: command %d of %d numbers", k->op, k->count);
  return lm_source_read(s, k->numbers, k->count * (int64_t)sizeof(double), "a command", e);
}

/* The text behind a command; the caller frees it. */
static char *read_text(lm_source *s, lm_err *e) {
  uint32_t n;
  if (lm_source_read(s, &n, sizeof n, "a text", e) != LM_OK) return NULL;
  char *text = lm_alloc((size_t)n + 1, "figure: text", e);
  if (!text) return NULL;
  text[n] = 0;
  if (lm_source_read(s, text, n, "a text", e) == LM_OK) return text;
  lm_free(text);
  return NULL;
}

static lm_figure_font font_of(const double *v) { return (lm_figure_font){.size = v[0], .bold = v[1] > 0}; }

static lm_status serve_text(lm_canvas *c, const command *k, lm_source *s, lm_err *e) {
  char *text = read_text(s, e);
  if (!text) return e->status;
  lm_figure_font font = font_of(k->numbers + 2);
  font.halign = k->numbers[4];
  font.valign = k->numbers[5];
  font.angle = k->numbers[6];
  figure_text(c, k->numbers[0], k->numbers[1], text, &font);
  lm_free(text);
  return LM_OK;
}

static lm_status serve_image(lm_canvas *c, const command *k, lm_source *s, lm_err *e) {
  const int64_t rows = (int64_t)k->numbers[0], columns = (int64_t)k->numbers[1];
  uint8_t *rgb = lm_alloc_array((size_t)rows * 3, (size_t)columns, "figure: image", e);
  if (!rgb) return LM_ERR_MEMORY;
  lm_status status = lm_source_read(s, rgb, 3 * rows * columns, "an image", e);
  if (status == LM_OK) figure_image(c, rgb, rows, columns, k->numbers + 2);
  lm_free(rgb);
  return status;
}

static lm_status answer_extents(lm_canvas *c, const command *k, lm_source *s, lm_channel *to, lm_err *e) {
  double answer[3];
  char *text = read_text(s, e);
  if (!text) return e->status;
  const lm_figure_font font = font_of(k->numbers);
  figure_extents(c, text, &font, answer);
  lm_free(text);
  return lm_channel_put(to, answer, sizeof answer, e);
}

static lm_status answer_file(lm_canvas *c, lm_channel *to, lm_err *e) {
  lm_status status = figure_finish(c, e);
  const int64_t n = (int64_t)c->count;
  if (status == LM_OK) status = lm_channel_put(to, &n, sizeof n, e);
  return status == LM_OK ? lm_channel_put(to, c->bytes, c->count, e) : status;
}

/* The commands of a message up to the one that is answered. */
static lm_status serve(lm_canvas **c, lm_source *s, lm_channel *to, lm_err *e) {
  for (;;) {
    command k;
    lm_status status = read_command(&k, s, e);
    if (status != LM_OK) return status;
    const double *v = k.numbers;
    if (k.op == LM_FIGURE_CREATE) return figure_create(c, (lm_figure_format)v[0], v[1], v[2], v[3], e);
    if (!*c) return lm_fail(e, LM_ERR_STATE, "figure: no canvas to draw on");
    if (k.op == LM_FIGURE_EXTENTS) return answer_extents(*c, &k, s, to, e);
    if (k.op == LM_FIGURE_FINISH) return answer_file(*c, to, e);
    if (k.op == LM_FIGURE_TEXT)
      status = serve_text(*c, &k, s, e);
    else if (k.op == LM_FIGURE_IMAGE)
      status = serve_image(*c, &k, s, e);
    else
      figure_draw(*c, (lm_figure_op)k.op, v, k.count);
    if (status != LM_OK) return status;
  }
}

int main(int argc, char **argv) {
  static lm_channel channel;
  lm_canvas *canvas = NULL;
  lm_err e = {0}, lost;
  if (argc != 2 || fcntl(LM_PROGRAM_SOCKET, F_GETFD) < 0) {
    fputs("lamina-figure is started by lamina, which it draws figures for\n", stderr);
    return 2;
  }
  if (strcmp(argv[1], LM_FIGURE_VERSION) != 0) return LM_FIGURE_STRANGER;
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  signal(SIGINT, SIG_IGN); /* Ctrl-C is the parent's affair */
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  lm_channel_start(&channel, LM_PROGRAM_SOCKET);
  while (!channel.closed) {
    lm_source s;
    lm_channel_receive(&channel, &s, "figure", INT64_MAX);
    lm_status status = serve(&canvas, &s, &channel, &e);
    if (channel.closed) break;
    lm_channel_finish(&channel, &lost); /* what a failure left unread */
    if (status == LM_OK)
      lm_channel_end(&channel, &lost);
    else
      lm_channel_fail(&channel, &e, &lost);
  }
  _exit(0); /* nothing to save */
}
