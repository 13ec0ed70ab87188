/* winograd.c: the three passes of a Winograd convolution; see winograd.h for the orders of operations.
 *
 * Forward and input gradient: the filters are transformed once into packed panels, 36 matrices of m x k. A task takes
 * a block of tiles that fits into the second-level cache, transforms its k planes into panels of B, multiplies point
 * by point, and transforms the products back. Tiles are columns of the products, so how they are cut into blocks
 * changes no bit.
 *
 * Weight gradient: a turn takes some images, transforms their planes of x and dy (threads share the planes), and adds
 * to the 36 sums of m x k (threads share the points); the sums are transformed back at the end. */
#include "ops/core/winograd.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "kernels/kernels.h"
#include "ops/core/gemm.h"
#include "ops/core/packed.h"

#include <string.h>

enum {
  POINTS = LM_WINOGRAD_POINTS,
  LEAST_CHANNELS = 24,
  BLOCK_BYTES = 3 << 18, /* of a task's transformed planes and products */
  TURN_BYTES = 24 << 20, /* of the transformed planes of a turn of a weight gradient */
  TILES_AT_A_TIME = 96,  /* of the planes of a turn */
  ROOM = 16              /* elements between the points, so that they do not share their places in the cache */
};

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* Outputs of a tile along an axis, for 3 or 5 taps. */
static int64_t tile_of(const lm_conv_shape *s) { return LM_WINOGRAD_SIDE - s->kh + 1; }

bool lm_winograd_fits(const lm_conv_shape *s) {
  if (s->dtype != LM_F32 || (s->kh != 3 && s->kh != 5) || s->kw != s->kh) return false;
  if (s->sh != 1 || s->sw != 1 || s->dh != 1 || s->dw != 1) return false;
  if (s->ph >= s->kh || s->pw >= s->kw) return false;
  if (s->c / s->groups < LEAST_CHANNELS || s->o / s->groups < LEAST_CHANNELS) return false;
  /* multiplications saved in the tiles of both images, those at the border included */
  int64_t tile = tile_of(s), taps = s->kh * s->kw;
  int64_t out = POINTS * lm_ceil_div(s->oh, tile) * lm_ceil_div(s->ow, tile);
  int64_t in = POINTS * lm_ceil_div(s->h, tile) * lm_ceil_div(s->w, tile);
  return taps * s->oh * s->ow >= 2 * out && taps * s->h * s->w >= 2 * in;
}

/* ---- forward and input gradient ------------------------------------------------------------------------------ */

/* y = the convolution of x by filters; per group m outputs and k inputs. */
typedef struct pass {
  const lm_kernels *kernels;
  int64_t tile, taps; /* along an axis */
  int64_t n, groups, m, k, h, w, top, left, oh, ow;
  const float *x, *bias;
  float *y;
  bool relu;

  const float *weight; /* filter (o, c) of a group at weight + o * row + c * column, groups `group` apart */
  int64_t row, column, group;
  bool reversed;
  const float *filters; /* packed: for each group and point m x k, point_step apart */
  int64_t point_step;

  int64_t tile_rows, tile_cols;
  int64_t block_images, block_rows; /* of tiles in a block: several whole images, or rows of one */
  int64_t blocks, padded;           /* padded: tiles of the largest block, in whole vectors */
  int64_t in_step, out_step;        /* between points of a task's planes and products */
  float *work;
  int64_t worker;
} pass;

/* Panels of filters: panel p of block b of K of a group. */
static void filter_task(void *context, int worker, int64_t begin, int64_t end) {
  const pass *p = context;
  const lm_kernel_gemm *gemm = p->kernels->gemm;
  int64_t panels = lm_gemm_panels(p->m, gemm->mr), blocks = lm_gemm_panels(p->k, gemm->kc);
  (void)worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t panel = item % panels, block = item / panels % blocks, group = item / panels / blocks;
    int64_t row = lm_gemm_panel(p->m, gemm->mr, panel), rows = lm_gemm_panel(p->m, gemm->mr, panel + 1) - row;
    int64_t k = lm_gemm_panel(p->k, gemm->kc, block), depth = lm_gemm_panel(p->k, gemm->kc, block + 1) - k;
    float *dst = (float *)(uintptr_t)p->filters + group * POINTS * p->point_step + p->m * k + row * depth;
    p->kernels->winograd->filter(dst, p->point_step, p->weight + group * p->group + row * p->row + k * p->column,
                                 (int)p->taps, rows, p->row, depth, p->column, p->reversed);
  }
}

static lm_status make_filters(pass *p, lm_err *e) {
  const lm_kernel_gemm *gemm = p->kernels->gemm;
  int64_t items = p->groups * lm_gemm_panels(p->m, gemm->mr) * lm_gemm_panels(p->k, gemm->kc);
  return lm_parallel(items, lm_gemm_grain(300.0 * (double)lm_smaller(p->k, gemm->kc)), filter_task, p, e);
}

/* Block number i: which images, which rows of tiles. */
static lm_winograd_block block_of(const pass *p, int64_t i, int64_t *image) {
  lm_winograd_block b = {.tile = p->tile, .h = p->h, .w = p->w, .top = p->top, .left = p->left, .cols = p->tile_cols};
  int64_t per_image = lm_ceil_div(p->tile_rows, p->block_rows);
  *image = i / per_image * p->block_images;
  b.images = lm_smaller(p->block_images, p->n - *image);
  b.row = i % per_image * p->block_rows;
  b.rows = lm_smaller(p->block_rows, p->tile_rows - b.row);
  return b;
}

static void multiply(const pass *p, const float *planes, float *products, int64_t group, int64_t tiles) {
  const lm_kernel_gemm *gemm = p->kernels->gemm;
  const int64_t vec = gemm->vec, lanes = 2 * vec, panels = lm_gemm_panels(p->m, gemm->mr);
  const int64_t blocks = lm_gemm_panels(p->k, gemm->kc);
  for (int64_t point = 0; point < POINTS; point++)
    for (int64_t block = 0; block < blocks; block++) {
      int64_t k = lm_gemm_panel(p->k, gemm->kc, block), depth = lm_gemm_panel(p->k, gemm->kc, block + 1) - k;
      lm_gemm_sweep s = {.m = p->m,
                         .k = depth,
                         .a = p->filters + (group * POINTS + point) * p->point_step + p->m * k,
                         .b_step = lanes,
                         .c_row = p->padded,
                         .first = block == 0};
      for (int64_t panel = 0; panel < panels; panel++)
        for (int64_t t = 0; t < tiles; t += lanes) {
          s.panel_begin = panel;
          s.panel_end = panel + 1;
          s.b[0] = planes + point * p->in_step + t * p->k + k * lanes;
          s.b[1] = (const float *)s.b[0] + vec;
          s.c[0] = products + point * p->out_step + t;
          s.c[1] = (float *)s.c[0] + vec;
          s.cols[0] = (int)vec;
          s.cols[1] = tiles - t > vec ? (int)vec : 0;
          gemm->sweep(&s);
        }
    }
}

static void block_task(void *context, int worker, int64_t begin, int64_t end) {
  const pass *p = context;
  const lm_kernel_winograd *kernel = p->kernels->winograd;
  const int64_t lanes = 2 * p->kernels->gemm->vec, plane = p->h * p->w, out_plane = p->oh * p->ow;
  float *planes = p->work + worker * p->worker, *products = planes + POINTS * p->in_step;
  float *scratch = products + POINTS * p->out_step;
  lm_winograd_place place = {.point_step = p->in_step, .lanes = lanes, .panel_step = lanes * p->k};
  for (int64_t item = begin; item < end; item++) {
    int64_t group = item % p->groups, image;
    lm_winograd_block b = block_of(p, item / p->groups, &image);
    b.image_step = p->groups * p->k * plane;
    const float *x = p->x + (image * p->groups + group) * p->k * plane;
    for (int64_t c = 0; c < p->k; c++) kernel->input(planes + c * lanes, &place, x + c * plane, &b, scratch);
    multiply(p, planes, products, group, lm_winograd_tiles(&b));
    b.h = p->oh;
    b.w = p->ow;
    b.image_step = p->groups * p->m * out_plane;
    float *y = p->y + (image * p->groups + group) * p->m * out_plane;
    for (int64_t o = 0; o < p->m; o++)
      kernel->output(y + o * out_plane, products + o * p->padded, p->out_step, &b,
                     p->bias ? p->bias + group * p->m + o : NULL, p->relu, scratch);
  }
}

/* Chooses the block: the one that wastes the fewest lanes among those that fit and leave every thread something. */
static void choose_block(pass *p) {
  const int64_t vec = p->kernels->gemm->vec, image_tiles = p->tile_rows * p->tile_cols;
  int64_t most = BLOCK_BYTES / (POINTS * (int64_t)sizeof(float) * (p->k + p->m));
  int64_t share = lm_ceil_div(p->n * p->groups * image_tiles, lm_threads());
  most = larger(lm_smaller(most, share), 2 * vec);
  p->block_images = 1;
  p->block_rows = p->tile_rows;
  double best = 0;
  if (image_tiles > most) {
    for (int64_t rows = larger(most / p->tile_cols, 1); rows >= 1; rows--) {
      int64_t last = p->tile_rows % rows;
      int64_t cost = p->tile_rows / rows * lm_winograd_padded(rows * p->tile_cols, vec) +
                     lm_winograd_padded(last * p->tile_cols, vec);
      double value = (double)image_tiles / (double)cost - 0.02 * (double)lm_ceil_div(p->tile_rows, rows);
      if (value > best) best = value, p->block_rows = rows;
    }
    return;
  }
  for (int64_t images = lm_smaller(most / image_tiles, p->n); images >= 1; images--) {
    double value = (double)(images * image_tiles) / (double)lm_winograd_padded(images * image_tiles, vec);
    if (value > best + 0.02) best = value, p->block_images = images;
  }
}

static void plan_blocks(pass *p) {
  const int64_t vec = p->kernels->gemm->vec;
  p->tile_rows = lm_ceil_div(p->oh, p->tile);
  p->tile_cols = lm_ceil_div(p->ow, p->tile);
  choose_block(p);
  lm_winograd_block b = {.tile = p->tile, .images = p->block_images, .rows = p->block_rows, .cols = p->tile_cols};
  p->padded = lm_winograd_padded(lm_winograd_tiles(&b), 2 * vec);
  p->blocks = lm_ceil_div(p->n, p->block_images) * lm_ceil_div(p->tile_rows, p->block_rows);
  p->in_step = p->k * p->padded + ROOM;
  p->out_step = p->m * p->padded + ROOM;
  int64_t floats = POINTS * (p->in_step + p->out_step) + lm_winograd_scratch(&b, vec) + 64;
  p->worker = lm_ceil_div(floats, 16) * 16;
}

/* Filters kept from the last time, or transformed now; then the blocks. */
static lm_status run_pass(pass *p, lm_packed_key *key, lm_err *e) {
  p->kernels = lm_kernels_of(LM_F32);
  p->point_step = p->m * p->k + ROOM;
  plan_blocks(p);
  int64_t bytes = p->groups * POINTS * p->point_step * (int64_t)sizeof(float);
  bool keep = false;
  p->filters = lm_packed_find(key, &keep);
  float *own = NULL;
  lm_status status = LM_OK;
  bool kept = p->filters != NULL;
  if (!kept) {
    p->filters = own = lm_alloc((size_t)bytes, "transformed filters of a convolution", e);
    status = own ? make_filters(p, e) : LM_ERR_MEMORY;
    kept = status == LM_OK && keep && lm_packed_keep(key, own, bytes);
    if (kept) own = NULL;
  }
  if (status == LM_OK) {
    p->work = lm_alloc_array((size_t)(lm_threads() * p->worker), sizeof(float), "workspace of a convolution", e);
    status = p->work ? lm_parallel(p->blocks * p->groups, 1, block_task, p, e) : LM_ERR_MEMORY;
  }
  lm_free(p->work);
  if (kept) lm_packed_done(p->filters);
  lm_free(own);
  return status;
}

lm_status lm_winograd_forward(const lm_conv_shape *s, const void *x, const void *weight, const void *bias, bool relu,
                              void *y, lm_err *e) {
  const int64_t all = s->kh * s->kw;
  pass p = {.tile = tile_of(s), .taps = s->kh, .n = s->n, .groups = s->groups};
  p.m = s->o / s->groups, p.k = s->c / s->groups;
  p.h = s->h, p.w = s->w, p.top = s->ph, p.left = s->pw, p.oh = s->oh, p.ow = s->ow;
  p.x = x, p.bias = bias, p.y = y, p.relu = relu, p.weight = weight;
  p.row = all * p.k, p.column = all, p.group = all * p.k * p.m;
  lm_packed_key key = {
      .storage = s->weight, .layout = 2, .dtype = s->dtype, .matrices = p.groups, .rows = p.m, .columns = p.k};
  key.row_stride = s->kh;
  if (s->weight) key.place = (const char *)weight - (const char *)s->weight->data;
  return run_pass(&p, &key, e);
}

lm_status lm_winograd_grad_input(const lm_conv_shape *s, const void *dy, const void *weight, void *dx, lm_err *e) {
  const int64_t all = s->kh * s->kw;
  pass p = {.tile = tile_of(s), .taps = s->kh, .n = s->n, .groups = s->groups};
  p.m = s->c / s->groups, p.k = s->o / s->groups;
  p.h = s->oh, p.w = s->ow, p.top = s->kh - 1 - s->ph, p.left = s->kw - 1 - s->pw, p.oh = s->h, p.ow = s->w;
  p.x = dy, p.y = dx, p.weight = weight;
  p.row = all, p.column = all * p.m, p.group = all * p.k * p.m, p.reversed = true;
  lm_packed_key key = {0};
  return run_pass(&p, &key, e);
}

/* ---- weight gradient ----------------------------------------------------------------------------------------- */

typedef struct weighing {
  const lm_conv_shape *s;
  const lm_kernels *kernels;
  int64_t tile;
  int64_t m, k, pitch; /* outputs and inputs of a group; k in whole panels */
  const float *x, *dy;
  float *dw;
  int64_t first, images, tiles, padded; /* of this turn; its tiles, and in whole vectors */
  int64_t at_a_time;                    /* images that are transformed together: their tiles are whole vectors */
  float *ins, *outs;                    /* planes of x and dy: point, channel of all groups, tile */
  int64_t in_step, out_step;
  float *sums; /* group, point, m x pitch */
  int64_t sum_step;
  int64_t *row, *column; /* offsets of the channels of dy and of the tiles */
  float *work;
  int64_t worker;
} weighing;

static void plane_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const lm_conv_shape *s = w->s;
  float *scratch = w->work + worker * w->worker;
  lm_winograd_block b = {.tile = w->tile, .rows = lm_ceil_div(s->oh, w->tile), .cols = lm_ceil_div(s->ow, w->tile)};
  for (int64_t item = begin; item < end; item++) {
    bool of_x = item < s->c;
    int64_t channel = of_x ? item : item - s->c, channels = of_x ? s->c : s->o;
    b.h = of_x ? s->h : s->oh;
    b.w = of_x ? s->w : s->ow;
    b.top = of_x ? s->ph : 0;
    b.left = of_x ? s->pw : 0;
    b.image_step = channels * b.h * b.w;
    const float *src = (of_x ? w->x : w->dy) + (w->first * channels + channel) * b.h * b.w;
    float *dst = (of_x ? w->ins : w->outs) + channel * w->padded;
    lm_winograd_place place = {.point_step = of_x ? w->in_step : w->out_step, .lanes = w->padded};
    for (int64_t image = 0; image < w->images; image += w->at_a_time) {
      b.images = lm_smaller(w->at_a_time, w->images - image);
      (of_x ? w->kernels->winograd->input : w->kernels->winograd->output_grad)(
          dst + image * b.rows * b.cols, &place, src + image * b.image_step, &b, scratch);
    }
  }
}

/* Point by point: rows are output channels, read in place through tables; columns are input channels, packed. */
static void point_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const lm_kernel_gemm *gemm = w->kernels->gemm;
  const int64_t vec = gemm->vec, lanes = 2 * vec, blocks = lm_gemm_panels(w->tiles, gemm->kc);
  float *b = w->work + worker * w->worker;
  for (int64_t item = begin; item < end; item++) {
    int64_t point = item % POINTS, group = item / POINTS;
    const float *in = w->ins + point * w->in_step + group * w->k * w->padded;
    float *sums = w->sums + (group * POINTS + point) * w->sum_step;
    lm_gemm_sweep s = {.m = w->m, .c_row = w->pitch, .a_row = w->row, .b_step = lanes};
    s.panel_end = lm_gemm_panels(w->m, gemm->mr_loose);
    s.a = w->outs + point * w->out_step + group * w->m * w->padded;
    for (int64_t block = 0; block < blocks; block++) {
      int64_t t = lm_gemm_panel(w->tiles, gemm->kc, block);
      s.k = lm_gemm_panel(w->tiles, gemm->kc, block + 1) - t;
      s.a_k = w->column + t;
      s.first = w->first == 0 && block == 0;
      for (int64_t c = 0; c < w->k; c += lanes) {
        gemm->pack(b, lanes, in + c * w->padded + t, lm_smaller(lanes, w->k - c), s.k, w->padded, 1);
        s.b[0] = b;
        s.b[1] = b + vec;
        s.c[0] = sums + c;
        s.c[1] = sums + c + vec;
        s.cols[0] = (int)vec;
        s.cols[1] = w->k - c > vec ? (int)vec : 0;
        gemm->sweep(&s);
      }
    }
  }
}

static void back_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const int64_t taps = w->s->kh;
  (void)worker;
  for (int64_t o = begin; o < end; o++)
    w->kernels->winograd->filter_grad(w->dw + o * w->k * taps * taps,
                                      w->sums + o / w->m * POINTS * w->sum_step + o % w->m * w->pitch, w->sum_step,
                                      (int)taps, w->k);
}

/* One turn after another; the sums run on. */
static lm_status weigh(weighing *w, int64_t turn, lm_err *e) {
  const lm_conv_shape *s = w->s;
  const int64_t image_tiles = lm_ceil_div(s->oh, w->tile) * lm_ceil_div(s->ow, w->tile);
  lm_status status = LM_OK;
  for (w->first = 0; w->first < s->n && status == LM_OK; w->first += turn) {
    w->images = lm_smaller(turn, s->n - w->first);
    w->tiles = w->images * image_tiles;
    status = lm_parallel(s->c + s->o, lm_gemm_grain(40.0 * (double)w->tiles), plane_task, w, e);
    if (status == LM_OK) status = lm_parallel(POINTS * s->groups, 1, point_task, w, e);
  }
  if (status == LM_OK) status = lm_parallel(s->o, lm_gemm_grain(40.0 * (double)w->k), back_task, w, e);
  return status;
}

/* As few images as make a few whole vectors of tiles, so that their rows stay in the first-level cache; else all. */
static int64_t images_at_a_time(int64_t tiles, int64_t vec, int64_t all) {
  int64_t images = 1;
  while (images * tiles % vec != 0) images *= 2;
  while (images * tiles < TILES_AT_A_TIME) images *= 2;
  return lm_smaller(images, all);
}

lm_status lm_winograd_grad_weight(const lm_conv_shape *s, const void *dy, const void *x, void *dw, lm_err *e) {
  weighing w = {.s = s, .kernels = lm_kernels_of(LM_F32), .m = s->o / s->groups, .k = s->c / s->groups};
  const int64_t vec = w.kernels->gemm->vec, lanes = 2 * vec;
  w.x = x, w.dy = dy, w.dw = dw;
  w.pitch = lm_ceil_div(w.k, lanes) * lanes;
  w.sum_step = w.m * w.pitch + ROOM;
  w.tile = tile_of(s);
  lm_winograd_block b = {.tile = w.tile, .rows = lm_ceil_div(s->oh, w.tile), .cols = lm_ceil_div(s->ow, w.tile)};
  int64_t image_bytes = POINTS * (s->c + s->o) * b.rows * b.cols * (int64_t)sizeof(float);
  const int64_t turn = b.images = larger(lm_smaller(TURN_BYTES / image_bytes, s->n), 1);
  w.padded = lm_winograd_padded(lm_winograd_tiles(&b), vec);
  w.in_step = s->c * w.padded + ROOM;
  w.out_step = s->o * w.padded + ROOM;
  w.at_a_time = images_at_a_time(b.rows * b.cols, vec, b.images);
  b.images = w.at_a_time;
  w.worker = lm_ceil_div(larger(lm_winograd_scratch(&b, vec), (w.kernels->gemm->kc + 1) * lanes) + 64, 16) * 16;
  int64_t floats = s->groups * POINTS * w.sum_step + POINTS * (w.in_step + w.out_step) + lm_threads() * w.worker;
  float *block = lm_alloc_array((size_t)floats, sizeof *block, "workspace of a weight gradient", e);
  int64_t *tables = lm_alloc_array((size_t)(w.m + w.padded), sizeof *tables, "tables of a weight gradient", e);
  lm_status status = block && tables ? LM_OK : LM_ERR_MEMORY;
  if (status == LM_OK) {
    w.sums = block;
    w.ins = w.sums + s->groups * POINTS * w.sum_step;
    w.outs = w.ins + POINTS * w.in_step;
    w.work = w.outs + POINTS * w.out_step;
    w.row = tables;
    w.column = tables + w.m;
    for (int64_t o = 0; o < w.m; o++) w.row[o] = o * w.padded;
    for (int64_t t = 0; t < w.padded; t++) w.column[t] = t;
    status = weigh(&w, turn, e);
  }
  lm_free(tables);
  lm_free(block);
  return status;
}
