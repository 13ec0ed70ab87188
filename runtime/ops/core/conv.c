/* conv.c: convolution forward. Weights are packed as A; a thread prepares the images of a team (a few small images,
 * or one), and their pixels are the columns of the product. Two ways to read them, which give the same bits:
 *   rows    the register tile reads the prepared image itself; its vectors lie in one output row each, so a row that
 *           is no multiple of the vector wastes lanes, but nothing is copied. For few output channels.
 *   panels  pixels are packed side by side across rows and images; nothing is wasted, but every tap is copied once.
 */
#include "ops/core/conv_plan.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "ops/core/packed.h"
#include "ops/core/winograd.h"

#include <string.h>

enum { PANELS_MOST = 8 };

int64_t lm_conv_size(int64_t size, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  int64_t room = size + 2 * pad - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/* ---- plans --------------------------------------------------------------------------------------------------- */

/* A 1 x 1 convolution of stride 1 without padding does not see rows: the image is one long row. */
static lm_conv_shape as_one_row(const lm_conv_shape *s) {
  lm_conv_shape flat = *s;
  if (s->kh != 1 || s->kw != 1 || s->sh != 1 || s->sw != 1 || s->ph || s->pw) return flat;
  flat.h = flat.oh = 1;
  flat.w = flat.ow = s->h * s->w;
  return flat;
}

static void plan_tables(lm_conv_plan *p, const lm_conv_shape *s) {
  int64_t pitch = p->image.wq * p->image.phases, *tap = p->tap;
  for (int64_t c = 0; c < p->image.c; c++)
    for (int64_t i = 0; i < s->kh; i++)
      for (int64_t j = 0; j < s->kw; j++)
        *tap++ = (c * p->image.hp + i * s->dh) * pitch + j * s->dw % s->sw * p->image.wq + j * s->dw / s->sw;
  int64_t *pixel = p->pixel;
  for (int64_t image = 0; image < p->images; image++)
    for (int64_t i = 0; i < p->oh; i++)
      for (int64_t j = 0; j < p->ow; j++) *pixel++ = image * p->prepared + i * s->sh * pitch + j;
}

lm_status lm_conv_plan_make(lm_conv_plan *p, const lm_conv_shape *shape, lm_err *e) {
  lm_conv_shape s = as_one_row(shape);
  *p = (lm_conv_plan){.kernels = lm_kernels_of(s.dtype),
                      .size = (int64_t)lm_dtype_size(s.dtype),
                      .n = s.n,
                      .groups = s.groups,
                      .m = s.o / s.groups,
                      .oh = s.oh,
                      .ow = s.ow,
                      .pixels = s.oh * s.ow};
  p->k = s.c / s.groups * s.kh * s.kw;
  p->image = (lm_conv_image){.c = s.c / s.groups,
                             .h = s.h,
                             .w = s.w,
                             .top = s.ph,
                             .left = s.pw,
                             .hp = s.h + 2 * s.ph,
                             .wq = lm_ceil_div(s.w + 2 * s.pw, s.sw),
                             .phases = s.sw};
  p->step_h = s.sh * p->image.wq * p->image.phases;
  p->bare = s.groups == 1 && s.ph == 0 && s.pw == 0 && s.sw == 1;
  p->prepared = p->image.c * p->image.hp * p->image.wq * p->image.phases;
  /* small images go together, unless the threads would then have nothing to do */
  int64_t wanted = lm_ceil_div(256, p->pixels > 0 ? p->pixels : 1), share = p->n * p->groups / (2 * lm_threads());
  p->images = lm_smaller(lm_smaller(wanted, p->n), share < 1 ? 1 : share);
  p->teams = lm_ceil_div(p->n, p->images);
  p->team_bytes = lm_round_bytes((p->images * p->prepared + 2 * p->kernels->gemm->vec) * p->size);
  p->tap = lm_alloc_array((size_t)(p->k + p->images * p->pixels), sizeof *p->tap, "tables of a convolution", e);
  if (!p->tap) return LM_ERR_MEMORY;
  p->pixel = p->tap + p->k;
  plan_tables(p, &s);
  return LM_OK;
}

void lm_conv_prepare(const lm_conv_plan *p, char *dst, const void *x, int64_t first, int64_t images, int64_t group) {
  int64_t planes = p->image.c * p->image.h * p->image.w;
  for (int64_t i = 0; i < images; i++) {
    const char *from = (const char *)x + ((first + i) * p->groups + group) * planes * p->size;
    p->kernels->conv->prepare(dst + i * p->prepared * p->size, from, &p->image);
  }
}

/* ---- running ------------------------------------------------------------------------------------------------- */

typedef struct run {
  const lm_conv_plan *p;
  const void *x, *bias;
  const char *packed;
  char *y, *work;
  bool relu, rows, single;
  int64_t blocks_k, parts; /* blocks of K; parts into which a team's pixels are cut */
  int64_t width;           /* columns of a block of panels */
  int64_t b_bytes, edge_bytes, worker_bytes;
} run;

/* The sweep over block number i of K: its part of packed A, of the taps; what is the same for all columns. */
static lm_gemm_sweep block_of_k(const run *r, int64_t group, int64_t i, int64_t *k) {
  const lm_conv_plan *p = r->p;
  *k = lm_gemm_panel(p->k, p->kernels->gemm->kc, i);
  lm_gemm_sweep s = {.m = p->m,
                     .k = lm_gemm_panel(p->k, p->kernels->gemm->kc, i + 1) - *k,
                     .first = i == 0,
                     .last = i == r->blocks_k - 1,
                     .relu = r->relu,
                     .c_row = p->pixels};
  s.panel_end = lm_gemm_panels(p->m, p->kernels->gemm->mr);
  s.a = r->packed + (group * p->m * p->k + p->m * *k) * p->size;
  if (r->bias) s.row_bias = (const char *)r->bias + group * p->m * p->size;
  return s;
}

/* Vectors [begin, end) of the images of a team, `across` to an output row, two at a time. */
static void run_rows(const run *r, const char *image, int64_t team, int64_t group, int64_t begin, int64_t end) {
  const lm_conv_plan *p = r->p;
  const int vec = p->kernels->gemm->vec;
  int64_t across = lm_ceil_div(p->ow, vec), per_image = across * p->oh;
  for (int64_t i = 0; i < r->blocks_k; i++) {
    int64_t k;
    lm_gemm_sweep s = block_of_k(r, group, i, &k);
    s.b_k = p->tap + k;
    for (int64_t v = begin; v < end; v += 2) {
      s.cols[1] = 0;
      for (int64_t half = 0; half < 2 && v + half < end; half++) {
        int64_t n = (v + half) / per_image, row = (v + half) % per_image / across, column = (v + half) % across * vec;
        int64_t from = n * p->prepared + row * p->step_h + column;
        int64_t to = ((team * p->images + n) * p->groups + group) * p->m * p->pixels + row * p->ow + column;
        s.b[half] = image + from * p->size;
        s.c[half] = r->y + to * p->size;
        s.cols[half] = (int)lm_smaller(vec, p->ow - column);
      }
      if (s.cols[1] == 0) s.b[1] = s.b[0], s.c[1] = s.c[0];
      p->kernels->gemm->sweep(&s);
    }
  }
}

/* Where the m rows of column j of a team begin in y. */
static char *column_of(const run *r, int64_t team, int64_t group, int64_t j) {
  const lm_conv_plan *p = r->p;
  int64_t n = team * p->images + j / p->pixels;
  return r->y + ((n * p->groups + group) * p->m * p->pixels + j % p->pixels) * p->size;
}

/* A panel that lies in two images or more, from the worker's buffer to y. */
static void spread(const run *r, const char *edge, int64_t team, int64_t group, int64_t j, int64_t here) {
  const lm_conv_plan *p = r->p;
  int64_t lanes = 2 * p->kernels->gemm->vec;
  for (int64_t at = 0; at < here;) {
    int64_t run_length = lm_smaller(here - at, p->pixels - (j + at) % p->pixels);
    char *to = column_of(r, team, group, j + at);
    for (int64_t row = 0; row < p->m; row++)
      memcpy(to + row * p->pixels * p->size, edge + (row * lanes + at) * p->size, (size_t)(run_length * p->size));
    at += run_length;
  }
}

/* Columns [begin, begin + width) of a team: for each block of K they are packed, then meet every panel of A. */
static void run_panels(const run *r, const char *image, char *b, int64_t team, int64_t group, int64_t begin,
                       int64_t width) {
  const lm_conv_plan *p = r->p;
  const int vec = p->kernels->gemm->vec;
  const int64_t lanes = 2 * vec;
  char *edges = b + r->b_bytes;
  for (int64_t i = 0; i < r->blocks_k; i++) {
    int64_t k;
    lm_gemm_sweep s = block_of_k(r, group, i, &k);
    const int64_t panels = s.panel_end;
    for (int64_t j = 0; j < width; j += lanes) {
      int64_t here = lm_smaller(width - j, lanes);
      p->kernels->conv->pack_pixels(b + j * s.k * p->size, here > vec ? lanes : vec, image, p->tap + k, s.k,
                                    p->pixel + begin + j, here);
    }
    for (int64_t panel = 0; panel < panels; panel++)
      for (int64_t j = 0; j < width; j += lanes) {
        int64_t here = lm_smaller(width - j, lanes);
        bool whole = (begin + j) % p->pixels + here <= p->pixels;
        char *c = whole ? column_of(r, team, group, begin + j) : edges + j / lanes * r->edge_bytes;
        s.panel_begin = panel;
        s.panel_end = panel + 1;
        s.b[0] = b + j * s.k * p->size;
        s.b[1] = (const char *)s.b[0] + vec * p->size;
        s.b_step = here > vec ? lanes : vec;
        s.c[0] = c;
        s.c[1] = here > vec ? c + vec * p->size : c;
        s.c_row = whole ? p->pixels : lanes;
        s.cols[0] = (int)lm_smaller(here, vec);
        s.cols[1] = (int)(here - s.cols[0]);
        p->kernels->gemm->sweep(&s);
      }
  }
  for (int64_t j = 0; j < width; j += lanes) {
    int64_t here = lm_smaller(width - j, lanes);
    if ((begin + j) % p->pixels + here > p->pixels)
      spread(r, edges + j / lanes * r->edge_bytes, team, group, begin + j, here);
  }
}

/* The only output of a group, for the images of a team. */
static void run_single(const run *r, const char *image, int64_t team, int64_t group, int64_t images) {
  const lm_conv_plan *p = r->p;
  const char *filter = r->packed + group * p->k * p->size;
  const char *bias = r->bias ? (const char *)r->bias + group * p->size : NULL;
  for (int64_t i = 0; i < images; i++) {
    char *y = r->y + ((team * p->images + i) * p->groups + group) * p->pixels * p->size;
    p->kernels->conv->single(y, image + i * p->prepared * p->size, p->tap, filter, p->k, p->oh, p->ow, p->step_h,
                             bias, r->relu);
  }
}

static void run_task(void *context, int worker, int64_t first, int64_t stop) {
  const run *r = context;
  const lm_conv_plan *p = r->p;
  const int64_t vec = p->kernels->gemm->vec, across = lm_ceil_div(p->ow, vec);
  char *image = r->work + worker * r->worker_bytes, *b = image + p->team_bytes;
  int64_t ready = -1; /* which team and group the image buffer holds */
  for (int64_t item = first; item < stop; item++) {
    int64_t part = item % r->parts, group = item / r->parts % p->groups, team = item / r->parts / p->groups;
    int64_t images = lm_smaller(p->images, p->n - team * p->images);
    const char *from = image;
    if (lm_conv_reads_in_place(p, team * p->images + images))
      from = (const char *)r->x + team * p->images * p->prepared * p->size;
    else if (ready != item / r->parts)
      lm_conv_prepare(p, image, r->x, team * p->images, images, group);
    ready = item / r->parts;
    if (r->single) {
      run_single(r, from, team, group, images);
    } else if (r->rows) {
      int64_t vectors = images * p->oh * across, pairs = lm_ceil_div(vectors, 2);
      run_rows(r, from, team, group, 2 * (pairs * part / r->parts),
               lm_smaller(vectors, 2 * (pairs * (part + 1) / r->parts)));
    } else {
      int64_t columns = images * p->pixels, panels = lm_ceil_div(columns, 2 * vec);
      int64_t begin = panels * part / r->parts * 2 * vec, end = panels * (part + 1) / r->parts * 2 * vec;
      for (end = lm_smaller(end, columns); begin < end; begin += r->width)
        run_panels(r, from, b, team, group, begin, lm_smaller(r->width, end - begin));
    }
  }
}

/* Whether reading whole vectors of each output row costs less than packing panels: lanes wasted against copies.
 * Costs are in multiply-adds of a vector, as measured with AVX-512. */
static bool rows_are_cheaper(const lm_conv_plan *p) {
  const double vec = p->kernels->gemm->vec, m = (double)p->m;
  /* many planes of a page or more: taps would share few places in the cache and cost a page each */
  if (p->image.c >= 32 && p->image.hp * p->image.wq * p->image.phases * p->size >= 4096) return false;
  double rows = (double)(p->oh * lm_ceil_div(p->ow, (int64_t)vec)) * (m + 0.5);
  double packing = p->ow % (int64_t)vec ? 5 : 3;
  double panels = (double)(p->images * p->pixels) / vec;
  panels = (panels == (double)(int64_t)panels ? panels : (double)((int64_t)panels + 1)) / (double)p->images;
  return rows <= panels * (m + packing);
}

lm_status lm_conv_run(const lm_conv_plan *p, const void *x, const void *packed, const void *bias, bool relu, void *y,
                      lm_err *e) {
  const int64_t lanes = 2 * p->kernels->gemm->vec, kc = p->kernels->gemm->kc;
  run r = {.p = p, .x = x, .bias = bias, .packed = packed, .y = y, .relu = relu, .rows = rows_are_cheaper(p)};
  r.blocks_k = p->k > 0 ? lm_gemm_panels(p->k, kc) : 1;
  r.single = p->m == 1 && p->groups > 1;
  int64_t tasks = p->teams * p->groups, panels = lm_ceil_div(p->images * p->pixels, lanes);
  r.parts = r.single || tasks >= 2 * lm_threads() ? 1 : lm_smaller(panels, lm_ceil_div(2 * lm_threads(), tasks));
  r.width = lm_smaller(panels, PANELS_MOST) * lanes;
  if (!r.rows && !r.single) {
    r.b_bytes = lm_round_bytes((lm_smaller(p->k, kc) * r.width + lanes) * p->size);
    r.edge_bytes = lm_round_bytes(p->m * lanes * p->size);
  }
  r.worker_bytes = p->team_bytes + r.b_bytes + r.width / lanes * r.edge_bytes;
  r.work = lm_alloc((size_t)(lm_threads() * r.worker_bytes), "workspace of a convolution", e);
  if (!r.work) return LM_ERR_MEMORY;
  double work = (double)p->m * (double)p->k * (double)(p->images * p->pixels) / (double)r.parts;
  lm_status status = lm_parallel(tasks * r.parts, lm_gemm_grain(work), run_task, &r, e);
  lm_free(r.work);
  return status;
}

typedef struct packed_weights {
  const void *data;
  void *own; /* what lm_free gets */
  bool kept; /* lm_packed_done gets data */
} packed_weights;

/* Packs the weights, or finds a kept copy. */
static lm_status pack_weights(const lm_conv_plan *p, const lm_conv_shape *s, const void *weight, packed_weights *w,
                              lm_err *e) {
  lm_packed_key key = {.storage = s->weight, .dtype = s->dtype, .matrices = p->groups, .rows = p->m, .columns = p->k};
  if (s->weight) key.place = (const char *)weight - (const char *)s->weight->data;
  bool keep;
  *w = (packed_weights){.data = lm_packed_find(&key, &keep)};
  w->kept = w->data != NULL;
  if (w->kept) return LM_OK;
  void *block = lm_alloc_array((size_t)(s->o * p->k), (size_t)p->size, "packed weights of a convolution", e);
  int64_t *each = lm_alloc_array((size_t)p->groups, sizeof *each, "tables of a convolution", e);
  lm_status status = LM_ERR_MEMORY;
  if (block && each) {
    for (int64_t group = 0; group < p->groups; group++) each[group] = group * p->m * p->k;
    lm_gemm_rows rows = {.dtype = s->dtype,
                         .count = p->groups,
                         .m = p->m,
                         .k = p->k,
                         .dst = block,
                         .source = {.data = weight, .row = p->k, .column = 1, .at = each}};
    status = lm_gemm_pack_rows(&rows, e);
  }
  lm_free(each);
  w->data = block;
  w->kept = status == LM_OK && keep && lm_packed_keep(&key, block, s->o * p->k * p->size);
  w->own = w->kept ? NULL : block;
  return status;
}

lm_status lm_conv_forward(const lm_conv_shape *s, const void *x, const void *weight, const void *bias, bool relu,
                          void *y, lm_err *e) {
  lm_conv_plan p;
  packed_weights w;
  if (s->n == 0 || s->o == 0) return LM_OK;
  if (lm_winograd_fits(s)) return lm_winograd_forward(s, x, weight, bias, relu, y, e);
  lm_status status = lm_conv_plan_make(&p, s, e);
  if (status) return status;
  status = pack_weights(&p, s, weight, &w, e);
  if (status == LM_OK) status = lm_conv_run(&p, x, w.data, bias, relu, y, e);
  if (w.kept) lm_packed_done(w.data);
  lm_free(w.own);
  lm_free(p.tap);
  return status;
}
