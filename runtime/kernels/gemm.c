/* gemm.c: the register tile of the matrix product, and packing by transposition in registers.
 *
 * A tile is `rows` x two vectors of accumulators; for each k it loads two vectors of B and broadcasts `rows` elements
 * of A. One function per number of rows, so that no row is computed that does not exist. The chain of each output is
 *   acc = +0;  acc = fma(a[i, k], b[k, j], acc) for k ascending;  then bias, then activation.
 * Goto & van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34 (2008). */
#include "kernels/gemm.h"

#include "kernels/shuffle.h"
#include "kernels/template.h"

/* X for each number of rows that a tile can have, up to that of the instruction set: one of those below. */
#define MR            LM_TILE_ROWS
#define EACH_ROWS(X)  LM_JOIN2(EACH_TO_, LM_TILE_ROWS)(X)
#define EACH_TO_4(X)  X(1) X(2) X(3) X(4)
#define EACH_TO_6(X)  EACH_TO_4(X) X(5) X(6)
#define EACH_TO_8(X)  EACH_TO_6(X) X(7) X(8)
#define EACH_TO_10(X) EACH_TO_8(X) X(9) X(10)
#define EACH_TO_12(X) EACH_TO_10(X) X(11) X(12)
#define EACH_TO_14(X) EACH_TO_12(X) X(13) X(14)

/* Rows of a tile that reads A through its tables: their addresses stay in general registers, of which x86-64 has few.
 */
enum { KC = sizeof(real) == 4 ? 384 : 192, MR_LOOSE = MR < 10 ? MR : 10 };

/* ---- the tile ------------------------------------------------------------------------------------------------ */

/* `full` tiles have whole vectors of columns; the others leave the columns alone that do not exist. */
INLINE vec load_cols(bool full, const real *p, int n) { return full ? vec_load(p) : vec_load_some(p, n); }
INLINE void store_cols(bool full, real *p, vec v, int n) {
  if (full)
    vec_store(p, v);
  else
    vec_store_some(p, v, n);
}

INLINE void tile_begin(int rows, int vecs, bool full, const lm_gemm_sweep *s, vec acc[MR][2], real *const c[2]) {
  if (s->first) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
      for (int v = 0; v < vecs; v++) acc[i][v] = (vec){0};
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) acc[i][v] = load_cols(full, c[v] + i * s->c_row, s->cols[v]);
}

INLINE void finish(int rows, int vecs, bool full, const lm_gemm_sweep *s, vec acc[MR][2], int64_t row) {
  if (s->row_bias) {
    const real *bias = (const real *)s->row_bias + row;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
      for (int v = 0; v < vecs; v++) acc[i][v] += vec_all(bias[i]);
  }
  if (s->col_bias[0]) {
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) {
      vec bias = load_cols(full, s->col_bias[v], s->cols[v]);
#pragma GCC unroll 16
      for (int i = 0; i < rows; i++) acc[i][v] += bias;
    }
  }
  if (s->relu) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
      for (int v = 0; v < vecs; v++) acc[i][v] = vec_relu(acc[i][v]);
  }
}

INLINE void tile_end(int rows, int vecs, bool full, const lm_gemm_sweep *s, vec acc[MR][2], real *const c[2],
                     int64_t row) {
  if (s->last) finish(rows, vecs, full, s, acc, row);
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) store_cols(full, c[v] + i * s->c_row, acc[i][v], s->cols[v]);
}

/* How a tile reaches its operands. */
enum {
  LOOSE_A = 1, /* A through two tables of offsets */
  LOOSE_B = 2, /* B through a table of offsets */
  COPYING = 4, /* B where it lies, far from the processor: asked for some rows ahead, and copied on the way */
  LINES = 8,   /* A where it lies, rows along k */
  ALONG = 16   /* A where it lies, rows side by side */
};

/* Where a tile's operands are while it goes along k. */
typedef struct tile_place {
  const real *a, *a_rows[MR], *b0, *b1, *ahead, *b_next;
  real *copy;
  const char *line0, *line9;         /* the rows 0 and 9 of A at this k */
  int64_t step, step3, step5, step7; /* bytes from one row to the next, and to the third, fifth, seventh */
} tile_place;

/* Row i of A where it lies. All rows are reached by what an address may be, a register and 1, 2, 4, 8 times another:
 * six registers instead of fourteen. */
INLINE real line_at(const tile_place *t, int i) {
  const char *const from = i < 9 ? t->line0 : t->line9;
  const int64_t step = t->step, step3 = t->step3, step5 = t->step5, step7 = t->step7;
  const int64_t to[9] = {0, step, 2 * step, step3, 4 * step, step5, 2 * step3, step7, 8 * step};
  return *(const real *)(from + to[i % 9]);
}

/* The products of one k. */
INLINE void tile_step(int rows, int vecs, int how, const lm_gemm_sweep *s, int64_t k, tile_place *t, vec acc[MR][2]) {
  const bool loose_a = how & LOOSE_A, loose_b = how & LOOSE_B;
  const int64_t at = loose_b ? s->b_k[k] : 0, a_at = loose_a ? s->a_k[k] : 0;
  if (how & LINES) /* changed, for all the compiler knows: or it would keep an address for each row, in memory */
    __asm__("" : "+r"(t->line0), "+r"(t->line9), "+r"(t->step), "+r"(t->step3));
  const vec x0 = vec_load(t->b0 + at), x1 = vecs == 2 ? vec_load((loose_b ? t->b1 : t->b0 + VEC) + at) : x0;
  if (how & COPYING) {
    __builtin_prefetch(t->ahead);
    __builtin_prefetch(t->ahead + VEC);
    t->ahead = k + 1 + s->b_ahead == s->k ? t->b_next : t->ahead + s->b_step;
    vec_store(t->copy, x0);
    vec_store(t->copy + VEC, x1);
    t->copy += 2 * VEC;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    const vec y = vec_all(how & LINES ? line_at(t, i) : loose_a ? t->a_rows[i][a_at] : t->a[i]);
    acc[i][0] = vec_fma(y, x0, acc[i][0]);
    if (vecs == 2) acc[i][1] = vec_fma(y, x1, acc[i][1]);
  }
  if (how & LINES) {
    t->line0 += sizeof(real);
    t->line9 += sizeof(real);
  } else if (!loose_a) {
    t->a += how & ALONG ? s->a_along : rows;
  }
  if (!loose_b) t->b0 += s->b_step;
}

/* rows x vecs vectors of C from row `row`. next: where the next tile's part of C lies, if there is one; it is asked
 * for, a line with each k, and then what s->ask says, so that both are in the cache when they are needed. */
INLINE void tile(int rows, int vecs, int how, bool full, const lm_gemm_sweep *s, int64_t row, const real *next0,
                 const real *next1) {
  tile_place t = {.a = s->a, .b0 = s->b[0], .b1 = s->b[1], .copy = s->copy};
  real *const c[2] = {(real *)s->c[0] + row * s->c_row, (real *)s->c[1] + (vecs == 2 ? row * s->c_row : 0)};
  if (how & LOOSE_A)
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) t.a_rows[i] = t.a + s->a_row[row + i];
  else if (how & LINES) {
    t.step = s->a_step * (int64_t)sizeof(real);
    t.step3 = 3 * t.step;
    t.step5 = 5 * t.step;
    t.step7 = 7 * t.step;
    __asm__("" : "+r"(t.step3), "+r"(t.step5), "+r"(t.step7));
    t.line0 = (const char *)s->a + row * t.step;
    t.line9 = t.line0 + 9 * t.step;
  } else
    t.a += how & ALONG ? row : row * s->k;
  if (how & COPYING) {
    t.b_next = s->b_next ? s->b_next : s->b[0];
    t.ahead = s->k <= s->b_ahead ? t.b_next : t.b0 + s->b_ahead * s->b_step;
  }
  vec acc[MR][2];
  tile_begin(rows, vecs, full, s, acc, c);
  int64_t k = 0, across = vecs == 2 ? next1 - next0 : s->c_row;
  const int64_t lines = !next0 ? 0 : s->k < rows * vecs ? s->k : rows * vecs;
  for (; k < lines; k++) {
    __builtin_prefetch(next0, 1);
    next0 += across;
    if (vecs == 2) across = s->c_row - across;
    tile_step(rows, vecs, how, s, k, &t, acc);
  }
  if (((how == 0 && full) || (how & LINES)) && s->ask) {
    if (s->ask->left == 0 && s->ask->then) *s->ask = *s->ask->then;
    const int each = how & LINES ? 1 : 2;
    lm_gemm_ask ask = *s->ask;
    const int64_t begin = k, end = k + each * ask.left < s->k ? k + each * ask.left : s->k - each + 1;
    for (; k < end; k += each) {
      __builtin_prefetch(ask.at);
      ask.at += LM_GEMM_LINE;
      if (--ask.here == 0) ask.here = ask.run, ask.at += ask.gap;
      tile_step(rows, vecs, how, s, k, &t, acc);
      if (each == 2) tile_step(rows, vecs, how, s, k + 1, &t, acc);
    }
    ask.left -= (k - begin) / each;
    *s->ask = ask;
  }
#pragma GCC unroll 2 /* the loop's own instructions take places of multiply-adds */
  for (; k < s->k; k++) tile_step(rows, vecs, how, s, k, &t, acc);
  tile_end(rows, vecs, full, s, acc, c, row);
}

typedef void (*tile_function)(const lm_gemm_sweep *s, int64_t row, const real *next0, const real *next1);

#define DEFINE_TILE(form, how, vecs, full, rows)                                                                     \
  __attribute__((aligned(64))) static void form##_##rows(const lm_gemm_sweep *s, int64_t row, const real *next0,     \
                                                         const real *next1) {                                        \
    tile(rows, vecs, how, full, s, row, next0, next1);                                                               \
  }
#define DEFINE_TILES(rows)                                                                                           \
  DEFINE_TILE(packed_1, 0, 1, false, rows)                                                                           \
  DEFINE_TILE(packed_2, 0, 2, false, rows)                                                                           \
  DEFINE_TILE(packed_full, 0, 2, true, rows)                                                                         \
  DEFINE_TILE(pixels_1, LOOSE_B, 1, false, rows)                                                                     \
  DEFINE_TILE(pixels_2, LOOSE_B, 2, false, rows)                                                                     \
  DEFINE_TILE(pixels_full, LOOSE_B, 2, true, rows)                                                                   \
  DEFINE_TILE(taps_1, LOOSE_A, 1, false, rows)                                                                       \
  DEFINE_TILE(taps_2, LOOSE_A, 2, false, rows)                                                                       \
  DEFINE_TILE(taps_full, LOOSE_A, 2, true, rows)                                                                     \
  DEFINE_TILE(copying_full, COPYING, 2, true, rows)                                                                  \
  DEFINE_TILE(lines_1, LINES, 1, false, rows)                                                                        \
  DEFINE_TILE(lines_2, LINES, 2, false, rows)                                                                        \
  DEFINE_TILE(lines_full, LINES, 2, true, rows)                                                                      \
  DEFINE_TILE(along_1, ALONG, 1, false, rows)                                                                        \
  DEFINE_TILE(along_2, ALONG, 2, false, rows)                                                                        \
  DEFINE_TILE(along_full, ALONG, 2, true, rows)
EACH_ROWS(DEFINE_TILES)

/* by rows; packed, pixels, taps, lines, along; one vector, two, two full ones */
#define TILES_ENTRY(rows)                                                                                            \
  {{packed_1_##rows, packed_2_##rows, packed_full_##rows},                                                           \
   {pixels_1_##rows, pixels_2_##rows, pixels_full_##rows},                                                           \
   {taps_1_##rows, taps_2_##rows, taps_full_##rows},                                                                 \
   {lines_1_##rows, lines_2_##rows, lines_full_##rows},                                                              \
   {along_1_##rows, along_2_##rows, along_full_##rows}},
static const tile_function tiles[MR][5][3] = {EACH_ROWS(TILES_ENTRY)};
#define COPYING_ENTRY(rows) copying_full_##rows,
static const tile_function copying_tiles[MR] = {EACH_ROWS(COPYING_ENTRY)};

/* The tiles of a sweep for the two numbers of rows that its panels have. */
typedef struct tiles_of_sweep {
  tile_function more, fewer;
} tiles_of_sweep;

INLINE tiles_of_sweep choose(const lm_gemm_sweep *s, int64_t fewer) {
  const int form = s->a_along  ? 4
                   : s->a_step ? 3
                   : s->a_row  ? 2
                   : s->b_k    ? 1
                               : 0,
            width = s->cols[1] == 0                      ? 0
                    : s->cols[0] + s->cols[1] == 2 * VEC ? 2
                                                         : 1;
  const int64_t more = fewer < MR ? fewer + 1 : MR;
  return s->copy ? (tiles_of_sweep){copying_tiles[more - 1], copying_tiles[fewer > 0 ? fewer - 1 : 0]}
                 : (tiles_of_sweep){tiles[more - 1][form][width], tiles[fewer > 0 ? fewer - 1 : 0][form][width]};
}

/* B lies in the copy now, when the first panel has read it. */
INLINE void use_copy(lm_gemm_sweep *s) {
  if (!s->copy) return;
  s->b[0] = s->copy;
  s->b[1] = (const real *)s->copy + VEC;
  s->b_step = 2 * VEC;
  s->copy = NULL;
}

/* k's to a line that is asked for, with some to spare: asked for any earlier, the lines would be gone again. */
enum { ASK_TIME = 6 };

/* How the rows are dealt to panels, and the first row of the first panel. */
typedef struct rows_of_sweep {
  int64_t fewer, extra, begin;
} rows_of_sweep;

INLINE rows_of_sweep deal(const lm_gemm_sweep *s) {
  const int64_t panels = lm_gemm_panels(s->m, s->a_row ? MR_LOOSE : MR), fewer = panels ? s->m / panels : 0,
                extra = s->m - fewer * panels, first = s->panel_begin;
  return (rows_of_sweep){fewer, extra, first * fewer + (first < extra ? first : extra)};
}

static void block(lm_gemm_sweep *s, int count) {
  const rows_of_sweep deals = deal(s);
  const int64_t fewer = deals.fewer, extra = deals.extra, begin = deals.begin, end = s->panel_end, c_row = s->c_row;
  tiles_of_sweep each[LM_GEMM_TOGETHER];
  for (int j = 0; j < count; j++) each[j] = choose(&s[j], fewer);
  for (int64_t panel = s->panel_begin, row = begin; panel < end; panel++) {
    const int64_t rows = fewer + (panel < extra), next_row = row + rows;
    const bool asks = s->ask && (s->a_step || (end - panel) * s->k * count <= ASK_TIME * s->ask->left + s->k);
    for (int j = 0; j < count; j++) {
      const lm_gemm_sweep *next = j + 1 < count ? &s[j + 1] : s;
      const int64_t at = (j + 1 < count ? row : next_row) * c_row;
      const real *next0 = (const real *)next->c[0] + at, *next1 = (const real *)next->c[1] + at;
      if (j + 1 == count && panel + 1 == end) {
        next0 = s[j].next ? (const real *)s[j].next + begin * c_row : NULL;
        next1 = s[j].next ? next0 + VEC : NULL;
      }
      lm_gemm_ask *const ask = s[j].ask;
      if (!asks) s[j].ask = NULL;
      (panel < extra ? each[j].more : each[j].fewer)(&s[j], row, next0, next1);
      s[j].ask = ask;
      if (s[j].copy) {
        use_copy(&s[j]);
        each[j] = choose(&s[j], fewer);
      }
    }
    row = next_row;
  }
}

/* A block of one, shorter to begin: Winograd's convolutions call this for each tile. */
static void sweep(const lm_gemm_sweep *s) {
  const rows_of_sweep deals = deal(s);
  const tiles_of_sweep each = choose(s, deals.fewer);
  for (int64_t panel = s->panel_begin, row = deals.begin; panel < s->panel_end; panel++) {
    const int64_t next_row = row + deals.fewer + (panel < deals.extra), at = next_row * s->c_row;
    const real *next0 = (const real *)s->c[0] + at, *next1 = (const real *)s->c[1] + at;
    if (panel + 1 == s->panel_end) {
      next0 = s->next ? (const real *)s->next + deals.begin * s->c_row : NULL;
      next1 = s->next ? next0 + VEC : NULL;
    }
    (panel < deals.extra ? each.more : each.fewer)(s, row, next0, next1);
    row = next_row;
  }
}

/* ---- packing ------------------------------------------------------------------------------------------------- */

/* The last block of VEC columns by up to VEC k's, which stores no more than there is room for. */
static void pack_end(real *dst, int64_t lanes, const real *src, int64_t rows, int depth, int64_t width_stride,
                     int room) {
  vec block[VEC];
  transpose_some(src, width_stride, rows, depth, block);
  for (int i = 0; i < depth; i++) vec_store_some(dst + i * lanes, block[i], room);
}

/* k runs side by side in the source. Groups of VEC columns are taken from the last to the first, and each block of
 * VEC k's is stored in whole vectors: what spills over is overwritten by what comes after it. */
static void pack_across(real *dst, int64_t lanes, const real *src, int64_t width, int64_t k, int64_t width_stride) {
  const int64_t spill = lanes % VEC == 0 ? 0 : VEC;
  int64_t kk = 0;
  for (; kk + VEC <= k && (kk + VEC) * lanes + spill <= k * lanes; kk += VEC)
    for (int64_t group = (lanes - 1) / VEC; group >= 0; group--) {
      vec block[VEC];
      const real *from = src + group * VEC * width_stride + kk;
      transpose_block(from, width_stride, width - group * VEC, block);
      for (int i = 0; i < VEC; i++) vec_store(dst + (kk + i) * lanes + group * VEC, block[i]);
    }
  for (; kk < k; kk += VEC)
    for (int64_t group = (lanes - 1) / VEC; group >= 0; group--) {
      const int64_t at = group * VEC, room = lanes - at < VEC ? lanes - at : VEC;
      pack_end(dst + kk * lanes + at, lanes, src + at * width_stride + kk, width - at,
               (int)(k - kk < VEC ? k - kk : VEC), width_stride, (int)room);
    }
}

/* Columns run side by side in the source. Whole vectors are stored, and what spills over is overwritten by what comes
 * after it; the last rows, where nothing does, are done by elements. */
static void pack_along(real *dst, int64_t lanes, const real *src, int64_t width, int64_t k, int64_t k_stride) {
  const int64_t groups = (lanes + VEC - 1) / VEC, last = k - (groups * VEC - lanes + lanes - 1) / lanes;
  int64_t kk = 0;
  if (width == lanes && lanes % VEC == 0) {
    for (; kk < k; kk++)
      for (int64_t i = 0; i < lanes; i += VEC) vec_store(dst + kk * lanes + i, vec_load(src + kk * k_stride + i));
    return;
  }
  for (; kk < last; kk++)
    for (int64_t i = 0; i < lanes; i += VEC) {
      const int64_t here = width - i < 0 ? 0 : width - i > VEC ? VEC : width - i;
      vec_store(dst + kk * lanes + i, vec_load_range(src + kk * k_stride + i, 0, (int)here));
    }
  for (; kk < k; kk++) {
    for (int64_t i = 0; i < width; i++) dst[kk * lanes + i] = src[kk * k_stride + i];
    for (int64_t i = width; i < lanes; i++) dst[kk * lanes + i] = 0;
  }
}

static void pack(void *out, int64_t lanes, const void *source, int64_t width, int64_t k, int64_t width_stride,
                 int64_t k_stride) {
  real *dst = out;
  const real *src = source;
  if (width_stride == 1)
    pack_along(dst, lanes, src, width, k, k_stride);
  else if (k_stride == 1)
    pack_across(dst, lanes, src, width, k, width_stride);
  else
    for (int64_t kk = 0; kk < k; kk++)
      for (int64_t i = 0; i < lanes; i++) dst[kk * lanes + i] = i < width ? src[i * width_stride + kk * k_stride] : 0;
}

enum { KS_AHEAD = 4 }; /* how many k's early pack_rows asks for the source */

/* Rows that lie side by side in the source are dealt to all panels k by k: panel by panel, a few elements far apart
 * would be read at a time, and every k waited for. Whole vectors are stored as in pack_along. */
static void pack_rows(void *out, const void *source, int64_t m, int64_t k, int64_t row_stride, int64_t k_stride) {
  const int64_t panels = lm_gemm_panels(m, MR), fewer = panels ? m / panels : 0, extra = m - fewer * panels;
  const real *src = source;
  if (row_stride != 1 || panels < 2) {
    for (int64_t panel = 0, row = 0, rows; panel < panels; panel++, row += rows) {
      rows = fewer + (panel < extra);
      pack((real *)out + row * k, rows, src + row * row_stride, rows, k, row_stride, k_stride);
    }
    return;
  }
  const int64_t last = k - 1 - (VEC - 1 + fewer - 1) / fewer;
  for (int64_t kk = 0; kk < k; kk++, src += k_stride)
    for (int64_t panel = 0, row = 0, rows; panel < panels; panel++, row += rows) {
      rows = fewer + (panel < extra);
      real *dst = (real *)out + row * k + kk * rows;
      if (kk + KS_AHEAD < k) __builtin_prefetch(src + KS_AHEAD * k_stride + row);
      for (int64_t i = 0; i < rows; i += VEC) {
        const int here = (int)(rows - i < VEC ? rows - i : VEC);
        const vec v = vec_load_range(src + row + i, 0, here);
        if (kk < last)
          vec_store(dst + i, v);
        else
          vec_store_some(dst + i, v, here);
      }
    }
}

static void turn(void *out, int64_t dst_row, const void *source, int64_t src_row, int64_t m, int64_t n) {
  for (int64_t i = 0; i < m; i += VEC)
    for (int64_t j = 0; j < n; j += VEC) {
      vec block[VEC];
      const real *src = (const real *)source + j * src_row + i;
      real *dst = (real *)out + i * dst_row + j;
      const int rows = (int)(m - i < VEC ? m - i : VEC), columns = (int)(n - j < VEC ? n - j : VEC);
      if (rows == VEC)
        transpose_block(src, src_row, columns, block);
      else
        transpose_some(src, src_row, columns, rows, block);
      for (int r = 0; r < rows; r++) store_cols(columns == VEC, dst + r * dst_row, block[r], columns);
    }
}

/* Blocks of VEC x VEC are transposed in registers, so that vectors run over rows. */
static void column(void *out, const void *matrix, int64_t row, int64_t m, int64_t k, const void *vector,
                   int64_t step) {
  enum { GROUPS = LM_GEMM_COLUMN_ROWS / VEC };
  const real *x = vector;
  vec acc[GROUPS];
  for (int g = 0; g < GROUPS; g++) acc[g] = (vec){0};
  int64_t kk = 0;
  for (; kk + VEC <= k; kk += VEC)
    for (int g = 0; g < GROUPS && g * VEC < m; g++) {
      vec block[VEC];
      transpose_block((const real *)matrix + g * VEC * row + kk, row, m - g * VEC, block);
#pragma GCC unroll 16
      for (int j = 0; j < VEC; j++) acc[g] = vec_fma(vec_all(x[(kk + j) * step]), block[j], acc[g]);
    }
  for (; kk < k; kk++)
    for (int g = 0; g < GROUPS && g * VEC < m; g++) {
      real lanes[VEC] = {0};
      for (int64_t i = g * VEC; i < m && i < (g + 1) * VEC; i++)
        lanes[i - g * VEC] = ((const real *)matrix)[i * row + kk];
      acc[g] = vec_fma(vec_all(x[kk * step]), vec_load(lanes), acc[g]);
    }
  for (int g = 0; g < GROUPS && g * VEC < m; g++)
    vec_store_some((real *)out + g * VEC, acc[g], (int)(m - g * VEC < VEC ? m - g * VEC : VEC));
}

enum { CHAINS = 12 }; /* more than the latency of two multiply-add units, and they fit into 16 registers */

static void peak(int64_t rounds, void *out) {
  vec acc[CHAINS], a = vec_all((real)0.999), b = vec_all((real)1e-3);
  for (int i = 0; i < CHAINS; i++) acc[i] = vec_all((real)i);
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) acc[i] = vec_fma(acc[i], a, b);
  }
  for (int i = 1; i < CHAINS; i++) acc[0] += acc[i];
  vec_store_some(out, acc[0], 1);
}

const lm_kernel_gemm KERNEL(gemm) = {.mr = MR,
                                     .mr_loose = MR_LOOSE,
                                     .vec = VEC,
                                     .kc = KC,
                                     .sweep = sweep,
                                     .block = block,
                                     .pack = pack,
                                     .pack_rows = pack_rows,
                                     .turn = turn,
                                     .column = column,
                                     .peak = peak,
                                     .peak_flops = (int64_t)2 * VEC * CHAINS};
