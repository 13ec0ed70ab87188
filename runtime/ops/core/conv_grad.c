/* conv_grad.c: the two gradients of a convolution. The orders of operations are in conv.h.
 *
 * Input, flipped: dy, padded by dilation * (kernel - 1) - pad, is convolved with weights whose taps are reversed and
 * whose two channel axes are exchanged. Input, folded: columns = weights^T dy for one image, added where they came
 * from. Weight: (c, kh, kw) are the rows of a product whose K is the pixels of all images; A is read through the
 * tables of offsets from prepared images, so that no matrix of columns is made, and dy is packed as B. */
#include "ops/core/conv_plan.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/whole.h"
#include "ops/core/winograd.h"

#include <string.h>

enum { PANELS_MOST = 8, CHUNKS_MOST = 16, CHUNK_BYTES_MOST = 1 << 24 };

bool lm_conv_flips(const lm_conv_shape *s) {
  bool possible = s->sh == 1 && s->sw == 1 && s->ph <= s->dh * (s->kh - 1) && s->pw <= s->dw * (s->kw - 1);
  /* multiply-adds of each way, a folded element counting as 6 */
  int64_t m = s->o / s->groups;
  return possible && s->h * s->w * m <= s->oh * s->ow * (m + 6);
}

int64_t lm_conv_chunks(const lm_conv_shape *s) {
  int64_t bytes = s->c * s->kh * s->kw * lm_ceil_div(s->o / s->groups, 16) * 16 * 4;
  int64_t most = bytes > 0 ? CHUNK_BYTES_MOST / bytes : CHUNKS_MOST;
  most = lm_smaller(lm_smaller(most, CHUNKS_MOST), s->n);
  return most < 1 ? 1 : most;
}

/* Packs `groups` matrices of m x k, `step` elements apart. *packed is the caller's. */
static lm_status pack_groups(void **packed, lm_dtype dtype, const void *weight, int64_t groups, int64_t m, int64_t k,
                             int64_t row, int64_t column, lm_err *e) {
  lm_status status = LM_ERR_MEMORY;
  int64_t *each = lm_alloc_array((size_t)groups, sizeof *each, "tables of a convolution", e);
  *packed = lm_alloc_array((size_t)(groups * m * k), lm_dtype_size(dtype), "packed weights of a convolution", e);
  if (each && *packed) {
    for (int64_t group = 0; group < groups; group++) each[group] = group * m * k;
    lm_gemm_rows rows = {.dtype = dtype,
                         .count = groups,
                         .m = m,
                         .k = k,
                         .dst = *packed,
                         .source = {.data = weight, .row = row, .column = column, .at = each}};
    status = lm_gemm_pack_rows(&rows, e);
  }
  lm_free(each);
  return status;
}

/* ---- input, flipped ------------------------------------------------------------------------------------------ */

typedef struct flip {
  const lm_conv_shape *s;
  const char *weight;
  char *flipped;
  size_t size;
} flip;

/* flipped[group][c][o][taps backwards] for channels [begin, end) of all c. */
static void flip_task(void *context, int worker, int64_t begin, int64_t end) {
  const flip *f = context;
  const lm_conv_shape *s = f->s;
  const int64_t taps = s->kh * s->kw, inner = s->c / s->groups, outer = s->o / s->groups;
  (void)worker;
  for (int64_t c = begin; c < end; c++)
    for (int64_t o = 0; o < outer; o++) {
      int64_t from = ((c / inner * outer + o) * inner + c % inner) * taps, to = (c * outer + o) * taps;
      for (int64_t t = 0; t < taps; t++)
        memcpy(f->flipped + (size_t)(to + t) * f->size, f->weight + (size_t)(from + taps - 1 - t) * f->size, f->size);
    }
}

static lm_status grad_input_flipped(const lm_conv_shape *s, const void *dy, const void *weight, void *dx, lm_err *e) {
  lm_conv_shape back = {.dtype = s->dtype,
                        .n = s->n,
                        .c = s->o,
                        .h = s->oh,
                        .w = s->ow,
                        .o = s->c,
                        .kh = s->kh,
                        .kw = s->kw,
                        .oh = s->h,
                        .ow = s->w,
                        .sh = 1,
                        .sw = 1,
                        .ph = s->dh * (s->kh - 1) - s->ph,
                        .pw = s->dw * (s->kw - 1) - s->pw,
                        .dh = s->dh,
                        .dw = s->dw,
                        .groups = s->groups};
  int64_t taps = s->kh * s->kw;
  flip f = {.s = s, .weight = weight, .size = lm_dtype_size(s->dtype)};
  f.flipped = lm_alloc_array((size_t)(s->o / s->groups * s->c * taps), f.size, "flipped weights", e);
  if (!f.flipped) return LM_ERR_MEMORY;
  int64_t grain = lm_gemm_grain(16.0 * (double)(s->o / s->groups * taps));
  lm_status status = lm_parallel(s->c, grain, flip_task, &f, e);
  if (status == LM_OK) status = lm_conv_forward(&back, dy, f.flipped, NULL, false, dx, e);
  lm_free(f.flipped);
  return status;
}

/* ---- input, folded ------------------------------------------------------------------------------------------- */

typedef struct folding {
  const lm_conv_shape *s;
  const lm_kernels *kernels;
  int64_t size, m, k, pixels, width; /* m = rows of columns, k = outputs of a group */
  const char *dy, *packed;
  char *dx, *work;
  int64_t columns_bytes, worker_bytes;
} folding;

/* columns[m, pixels] = weights^T dy for one group of one image. */
static void make_columns(const folding *f, char *columns, char *b, const char *dy, int64_t group) {
  const lm_kernel_gemm *kernel = f->kernels->gemm;
  const int64_t vec = kernel->vec, lanes = 2 * vec;
  int64_t blocks = lm_gemm_panels(f->k, kernel->kc), panels = lm_gemm_panels(f->m, kernel->mr);
  for (int64_t begin = 0; begin < f->pixels; begin += f->width) {
    int64_t width = lm_smaller(f->width, f->pixels - begin);
    for (int64_t i = 0; i < blocks; i++) {
      int64_t k = lm_gemm_panel(f->k, kernel->kc, i);
      lm_gemm_sweep s = {.m = f->m,
                         .k = lm_gemm_panel(f->k, kernel->kc, i + 1) - k,
                         .c_row = f->pixels,
                         .first = i == 0,
                         .last = i == blocks - 1};
      s.a = f->packed + (group * f->m * f->k + f->m * k) * f->size;
      for (int64_t j = 0; j < width; j += lanes) {
        int64_t here = lm_smaller(width - j, lanes);
        kernel->pack(b + j * s.k * f->size, here > vec ? lanes : vec, dy + (k * f->pixels + begin + j) * f->size,
                     here, s.k, 1, f->pixels);
      }
      for (int64_t panel = 0; panel < panels; panel++)
        for (int64_t j = 0; j < width; j += lanes) {
          int64_t here = lm_smaller(width - j, lanes);
          s.panel_begin = panel;
          s.panel_end = panel + 1;
          s.b[0] = b + j * s.k * f->size;
          s.b[1] = b + (j * s.k + vec) * f->size;
          s.b_step = here > vec ? lanes : vec;
          s.c[0] = columns + (begin + j) * f->size;
          s.c[1] = here > vec ? columns + (begin + j + vec) * f->size : s.c[0];
          s.cols[0] = (int)lm_smaller(here, vec);
          s.cols[1] = (int)(here - s.cols[0]);
          kernel->sweep(&s);
        }
    }
  }
}

static void fold_task(void *context, int worker, int64_t first, int64_t stop) {
  const folding *f = context;
  const lm_conv_shape *s = f->s;
  const int64_t geometry[10] = {s->kh, s->kw, s->sh, s->sw, s->dh, s->dw, s->ph, s->pw, s->oh, s->ow};
  char *columns = f->work + worker * f->worker_bytes, *b = columns + f->columns_bytes;
  for (int64_t item = first; item < stop; item++) {
    make_columns(f, columns, b, f->dy + item * f->k * f->pixels * f->size, item % s->groups);
    f->kernels->conv->fold(f->dx + item * (s->c / s->groups) * s->h * s->w * f->size, columns, s->c / s->groups, s->h,
                           s->w, geometry);
  }
}

static lm_status grad_input_folded(const lm_conv_shape *s, const void *dy, const void *weight, void *dx, lm_err *e) {
  folding f = {.s = s,
               .kernels = lm_kernels_of(s->dtype),
               .size = (int64_t)lm_dtype_size(s->dtype),
               .dy = dy,
               .dx = dx,
               .m = s->c / s->groups * s->kh * s->kw,
               .k = s->o / s->groups,
               .pixels = s->oh * s->ow};
  const int64_t lanes = 2 * f.kernels->gemm->vec;
  void *packed = NULL;
  lm_status status = pack_groups(&packed, s->dtype, weight, s->groups, f.m, f.k, 1, f.m, e);
  if (status) goto done;
  f.packed = packed;
  f.width = lm_smaller(lm_ceil_div(f.pixels, lanes), PANELS_MOST) * lanes;
  f.columns_bytes = lm_round_bytes(f.m * f.pixels * f.size);
  f.worker_bytes = f.columns_bytes + lm_round_bytes((f.kernels->gemm->kc * f.width + lanes) * f.size);
  f.work = lm_alloc_array((size_t)lm_threads(), (size_t)f.worker_bytes, "workspace of a convolution's gradient", e);
  status = f.work ? LM_OK : LM_ERR_MEMORY;
  double work = (double)f.m * (double)(f.k + 6) * (double)f.pixels;
  if (status == LM_OK) status = lm_parallel(s->n * s->groups, lm_gemm_grain(work), fold_task, &f, e);
  lm_free(f.work);
done:
  lm_free(packed);
  return status;
}

lm_status lm_conv_grad_input(const lm_conv_shape *s, const void *dy, const void *weight, void *dx, lm_err *e) {
  if (s->n == 0 || s->c == 0) return LM_OK;
  if (lm_winograd_fits(s)) return lm_winograd_grad_input(s, dy, weight, dx, e);
  return (lm_conv_flips(s) ? grad_input_flipped : grad_input_folded)(s, dy, weight, dx, e);
}

/* ---- weight -------------------------------------------------------------------------------------------------- */

typedef struct weighing {
  const lm_conv_plan *p;
  const char *dy;
  const void *x;
  char *dw, *sums, *work;               /* sums[group][chunk][k][pitch] */
  int64_t chunks, pitch, parts, panels; /* panels: of (c, kh, kw), cut into parts */
  int64_t worker_bytes;
} weighing;

/* dy of output channels [o, o + width) at pixels [from, from + depth) of images `first` onwards, as a panel of B. */
static void pack_outputs(const weighing *w, char *b, int64_t lanes, int64_t first, int64_t group, int64_t o,
                         int64_t width, int64_t from, int64_t depth) {
  const lm_conv_plan *p = w->p;
  for (int64_t done = 0; done < depth;) {
    int64_t image = (from + done) / p->pixels, pixel = (from + done) % p->pixels;
    int64_t here = lm_smaller(depth - done, p->pixels - pixel);
    int64_t at = (((first + image) * p->groups + group) * p->m + o) * p->pixels + pixel;
    p->kernels->gemm->pack(b + done * lanes * p->size, lanes, w->dy + at * p->size, width, here, p->pixels, 1);
    done += here;
  }
}

/* The pixels of prepared images [first, first + images) onto sums[k][pitch]. */
static void weigh_images(const weighing *w, char *sums, const char *image, char *b, int64_t first, int64_t images,
                         int64_t group, int64_t part, bool start) {
  const lm_conv_plan *p = w->p;
  const int64_t vec = p->kernels->gemm->vec, kc = p->kernels->gemm->kc, pixels = images * p->pixels;
  int64_t blocks = lm_gemm_panels(pixels, kc);
  for (int64_t i = 0; i < blocks; i++) {
    int64_t from = lm_gemm_panel(pixels, kc, i);
    lm_gemm_sweep s = {.m = p->k,
                       .k = lm_gemm_panel(pixels, kc, i + 1) - from,
                       .a = image,
                       .a_row = p->tap,
                       .a_k = p->pixel + from,
                       .c_row = w->pitch,
                       .first = start && i == 0};
    s.panel_begin = w->panels * part / w->parts;
    s.panel_end = w->panels * (part + 1) / w->parts;
    for (int64_t o = 0; o < p->m; o += 2 * vec) {
      bool two = p->m - o > vec;
      s.b_step = two ? 2 * vec : vec;
      pack_outputs(w, b, s.b_step, first, group, o, lm_smaller(p->m - o, s.b_step), from, s.k);
      s.b[0] = b;
      s.b[1] = b + vec * p->size;
      s.c[0] = sums + o * p->size;
      s.c[1] = two ? sums + (o + vec) * p->size : s.c[0];
      s.cols[0] = (int)vec;
      s.cols[1] = two ? (int)vec : 0;
      p->kernels->gemm->sweep(&s);
    }
  }
}

static void weigh_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const lm_conv_plan *p = w->p;
  char *image = w->work + worker * w->worker_bytes, *b = image + p->team_bytes;
  for (int64_t item = begin; item < end; item++) {
    int64_t part = item % w->parts, chunk = item / w->parts % w->chunks, group = item / w->parts / w->chunks;
    int64_t first = p->n * chunk / w->chunks, stop = p->n * (chunk + 1) / w->chunks;
    char *sums = w->sums + (group * w->chunks + chunk) * p->k * w->pitch * p->size;
    for (int64_t at = first; at < stop; at += p->images) {
      int64_t images = lm_smaller(p->images, stop - at);
      const char *from = image;
      if (lm_conv_reads_in_place(p, at + images))
        from = (const char *)w->x + at * p->prepared * p->size;
      else
        lm_conv_prepare(p, image, w->x, at, images, group);
      weigh_images(w, sums, from, b, at, images, group, part, at == first);
    }
  }
}

static void join_task(void *context, int worker, int64_t begin, int64_t end) {
  const weighing *w = context;
  const lm_conv_plan *p = w->p;
  (void)worker;
  for (int64_t group = 0; group < p->groups; group++)
    p->kernels->conv->join(w->dw + group * p->m * p->k * p->size,
                           w->sums + group * w->chunks * p->k * w->pitch * p->size, w->chunks, p->k, w->pitch, p->m,
                           begin * 16, lm_smaller(end * 16, p->k));
}

lm_status lm_conv_grad_weight(const lm_conv_shape *s, const void *dy, const void *x, void *dw, lm_err *e) {
  lm_conv_plan p;
  if (s->o == 0 || s->c == 0) return LM_OK;
  if (s->n == 0 || s->oh * s->ow == 0) {
    memset(dw, 0, (size_t)(s->o * (s->c / s->groups) * s->kh * s->kw) * lm_dtype_size(s->dtype));
    return LM_OK;
  }
  if (lm_winograd_fits(s)) return lm_winograd_grad_weight(s, dy, x, dw, e);
  lm_status status = lm_conv_plan_make(&p, s, e);
  if (status) return status;
  if (p.m == 1 && p.groups > 1) {
    status = lm_conv_weigh_lanes(&p, lm_conv_chunks(s), dy, x, dw, e);
    lm_free(p.tap);
    return status;
  }
  const int64_t vec = p.kernels->gemm->vec;
  weighing w = {.p = &p,
                .dy = dy,
                .x = x,
                .dw = dw,
                .chunks = lm_conv_chunks(s),
                .pitch = lm_ceil_div(p.m, vec) * vec,
                .panels = lm_gemm_panels(p.k, p.kernels->gemm->mr_loose)};
  w.parts = lm_smaller(w.panels, lm_ceil_div(2 * lm_threads(), w.chunks * p.groups));
  w.worker_bytes = p.team_bytes + lm_round_bytes((p.kernels->gemm->kc + 1) * 2 * vec * p.size);
  int64_t sums_bytes = lm_round_bytes(p.groups * w.chunks * p.k * w.pitch * p.size);
  w.sums = lm_alloc((size_t)(sums_bytes + lm_threads() * w.worker_bytes), "workspace of a weight gradient", e);
  if (w.sums) {
    w.work = w.sums + sums_bytes;
    double work = (double)s->n / (double)w.chunks * (double)p.pixels * (double)(p.k * w.pitch) / (double)w.parts;
    status = lm_parallel(p.groups * w.chunks * w.parts, lm_gemm_grain(work), weigh_task, &w, e);
    work = 16.0 * (double)(w.chunks * w.pitch * p.groups);
    if (status == LM_OK) status = lm_parallel(lm_ceil_div(p.k, 16), lm_gemm_grain(work), join_task, &w, e);
  } else {
    status = LM_ERR_MEMORY;
  }
  lm_free(w.sums);
  lm_free(p.tap);
  return status;
}
