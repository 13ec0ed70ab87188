/* fft.c: the passes of fft.h. Inner loops run over `inner` neighbours and vectorise by themselves. The first passes
 * of one signal alone have only 1 or a few neighbours: for these sizes the same loops are built once more with
 * `inner` as a constant, and vectorise over p. */
#include "kernels/fft.h"

#include "kernels/template.h"

#define IN     const real *restrict
#define OUT    real *restrict
#define INLINE static inline __attribute__((always_inline))

/* (yr, yi) = (a + i b) (c + i d) at q */
#define TURN(yr, yi, q, a, b, c, d)                                                                                  \
  do {                                                                                                               \
    const real turn_a = (a), turn_b = (b);                                                                           \
    (yr)[q] = turn_a * (c)-turn_b * (d);                                                                             \
    (yi)[q] = turn_a * (d) + turn_b * (c);                                                                           \
  } while (0)

INLINE void pass2(int64_t m, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  for (int64_t p = 0; p < m; p++) {
    const real c = wr[p], d = wi[p];
    IN ar = xr + inner * p, *restrict ai = xi + inner * p, *restrict br = ar + inner * m,
       *restrict bi = ai + inner * m;
    OUT r0 = yr + inner * 2 * p, *restrict i0 = yi + inner * 2 * p, *restrict r1 = r0 + inner,
        *restrict i1 = i0 + inner;
    for (int64_t q = 0; q < inner; q++) {
      r0[q] = ar[q] + br[q];
      i0[q] = ai[q] + bi[q];
      TURN(r1, i1, q, ar[q] - br[q], ai[q] - bi[q], c, d);
    }
  }
}

INLINE void pass3(int64_t m, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  const real half = (real)0.5, s = (real)0.86602540378443864676;
  for (int64_t p = 0; p < m; p++) {
    const real c1 = wr[p], d1 = wi[p], c2 = wr[m + p], d2 = wi[m + p];
    IN ar = xr + inner * p, *restrict ai = xi + inner * p, *restrict br = ar + inner * m,
       *restrict bi = ai + inner * m;
    IN cr = br + inner * m, *restrict ci = bi + inner * m;
    OUT r0 = yr + inner * 3 * p, *restrict i0 = yi + inner * 3 * p, *restrict r1 = r0 + inner,
        *restrict i1 = i0 + inner;
    OUT r2 = r1 + inner, *restrict i2 = i1 + inner;
    for (int64_t q = 0; q < inner; q++) {
      const real sum_r = br[q] + cr[q], sum_i = bi[q] + ci[q];
      const real mid_r = ar[q] - half * sum_r, mid_i = ai[q] - half * sum_i;
      const real off_r = s * (bi[q] - ci[q]), off_i = s * (cr[q] - br[q]);
      r0[q] = ar[q] + sum_r;
      i0[q] = ai[q] + sum_i;
      TURN(r1, i1, q, mid_r + off_r, mid_i + off_i, c1, d1);
      TURN(r2, i2, q, mid_r - off_r, mid_i - off_i, c2, d2);
    }
  }
}

INLINE void pass4(int64_t m, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  for (int64_t p = 0; p < m; p++) {
    const real c1 = wr[p], d1 = wi[p], c2 = wr[m + p], d2 = wi[m + p];
    const real c3 = wr[2 * m + p], d3 = wi[2 * m + p];
    IN ar = xr + inner * p, *restrict ai = xi + inner * p, *restrict br = ar + inner * m,
       *restrict bi = ai + inner * m;
    IN cr = br + inner * m, *restrict ci = bi + inner * m, *restrict dr = cr + inner * m,
       *restrict di = ci + inner * m;
    OUT r0 = yr + inner * 4 * p, *restrict i0 = yi + inner * 4 * p, *restrict r1 = r0 + inner,
        *restrict i1 = i0 + inner;
    OUT r2 = r1 + inner, *restrict i2 = i1 + inner, *restrict r3 = r2 + inner, *restrict i3 = i2 + inner;
    for (int64_t q = 0; q < inner; q++) {
      const real even_r = ar[q] + cr[q], even_i = ai[q] + ci[q], away_r = ar[q] - cr[q], away_i = ai[q] - ci[q];
      const real odd_r = br[q] + dr[q], odd_i = bi[q] + di[q], off_r = bi[q] - di[q], off_i = dr[q] - br[q];
      r0[q] = even_r + odd_r;
      i0[q] = even_i + odd_i;
      TURN(r1, i1, q, away_r + off_r, away_i + off_i, c1, d1);
      TURN(r2, i2, q, even_r - odd_r, even_i - odd_i, c2, d2);
      TURN(r3, i3, q, away_r - off_r, away_i - off_i, c3, d3);
    }
  }
}

INLINE void pass5(int64_t m, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  const real c1 = (real)0.30901699437494742410, c2 = (real)-0.80901699437494742410;
  const real s1 = (real)0.95105651629515357212, s2 = (real)0.58778525229247312917;
  for (int64_t p = 0; p < m; p++) {
    IN ar = xr + inner * p, *restrict ai = xi + inner * p, *restrict br = ar + inner * m,
       *restrict bi = ai + inner * m;
    IN cr = br + inner * m, *restrict ci = bi + inner * m, *restrict dr = cr + inner * m,
       *restrict di = ci + inner * m;
    IN er = dr + inner * m, *restrict ei = di + inner * m;
    OUT r0 = yr + inner * 5 * p, *restrict i0 = yi + inner * 5 * p, *restrict r1 = r0 + inner,
        *restrict i1 = i0 + inner;
    OUT r2 = r1 + inner, *restrict i2 = i1 + inner, *restrict r3 = r2 + inner, *restrict i3 = i2 + inner;
    OUT r4 = r3 + inner, *restrict i4 = i3 + inner;
    const real *w = wr + p, *v = wi + p; /* the powers are m apart */
    for (int64_t q = 0; q < inner; q++) {
      const real be_r = br[q] + er[q], be_i = bi[q] + ei[q], eb_r = br[q] - er[q], eb_i = bi[q] - ei[q];
      const real cd_r = cr[q] + dr[q], cd_i = ci[q] + di[q], dc_r = cr[q] - dr[q], dc_i = ci[q] - di[q];
      const real one_r = ar[q] + c1 * be_r + c2 * cd_r, one_i = ai[q] + c1 * be_i + c2 * cd_i;
      const real two_r = ar[q] + c2 * be_r + c1 * cd_r, two_i = ai[q] + c2 * be_i + c1 * cd_i;
      const real off1_r = s1 * eb_i + s2 * dc_i, off1_i = s1 * eb_r + s2 * dc_r;
      const real off2_r = s2 * eb_i - s1 * dc_i, off2_i = s2 * eb_r - s1 * dc_r;
      r0[q] = ar[q] + be_r + cd_r;
      i0[q] = ai[q] + be_i + cd_i;
      TURN(r1, i1, q, one_r + off1_r, one_i - off1_i, w[0], v[0]);
      TURN(r2, i2, q, two_r + off2_r, two_i - off2_i, w[m], v[m]);
      TURN(r3, i3, q, two_r - off2_r, two_i + off2_i, w[2 * m], v[2 * m]);
      TURN(r4, i4, q, one_r - off1_r, one_i + off1_i, w[3 * m], v[3 * m]);
    }
  }
}

/* Any radix: the sum over j ascending, by definition. */
static void pass_any(int r, int64_t m, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  IN root_r = wr + (r - 1) * m, *restrict root_i = wi + (r - 1) * m;
  for (int64_t p = 0; p < m; p++)
    for (int64_t k = 0; k < r; k++) {
      OUT or = yr + inner * (r * p + k), *restrict oi = yi + inner * (r * p + k);
      memcpy(or, xr + inner * p, (size_t)inner * sizeof(real));
      memcpy(oi, xi + inner * p, (size_t)inner * sizeof(real));
      for (int64_t j = 1; j < r; j++) {
        const real c = root_r[j * k % r], d = root_i[j * k % r];
        IN ar = xr + inner * (p + m * j), *restrict ai = xi + inner * (p + m * j);
        for (int64_t q = 0; q < inner; q++) {
          or [q] += ar[q] * c - ai[q] * d;
          oi[q] += ar[q] * d + ai[q] * c;
        }
      }
      if (k == 0) continue;
      const real c = wr[(k - 1) * m + p], d = wi[(k - 1) * m + p];
      for (int64_t q = 0; q < inner; q++) TURN(or, oi, q, or [q], oi[q], c, d);
    }
}

/* The pass for any `inner`, and for the few constants that the first passes of a signal alone have. */
#define SIZED(pass)                                                                                                  \
  static void pass##_sized(int64_t m, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {                   \
    if (inner == 1)                                                                                                  \
      pass(m, 1, wr, wi, xr, xi, yr, yi);                                                                            \
    else if (inner == 4)                                                                                             \
      pass(m, 4, wr, wi, xr, xi, yr, yi);                                                                            \
    else if (inner == 16)                                                                                            \
      pass(m, 16, wr, wi, xr, xi, yr, yi);                                                                           \
    else                                                                                                             \
      pass(m, inner, wr, wi, xr, xi, yr, yi);                                                                        \
  }
SIZED(pass2)
SIZED(pass3)
SIZED(pass4)
SIZED(pass5)

static void pass(int r, int64_t m, int64_t inner, const void *wr, const void *wi, const void *xr, const void *xi,
                 void *yr, void *yi) {
  if (r == 4)
    pass4_sized(m, inner, wr, wi, xr, xi, yr, yi);
  else if (r == 2)
    pass2_sized(m, inner, wr, wi, xr, xi, yr, yi);
  else if (r == 3)
    pass3_sized(m, inner, wr, wi, xr, xi, yr, yi);
  else if (r == 5)
    pass5_sized(m, inner, wr, wi, xr, xi, yr, yi);
  else
    pass_any(r, m, inner, wr, wi, xr, xi, yr, yi);
}

static void multiply(int64_t n, int64_t lanes, const void *ptr, const void *pti, const void *pxr, const void *pxi,
                     void *pyr, void *pyi) {
  const real *tr = ptr, *ti = pti, *xr = pxr, *xi = pxi;
  real *yr = pyr, *yi = pyi;
  for (int64_t i = 0; i < n; i++) {
    const real c = tr[i], d = ti[i];
    for (int64_t q = i * lanes; q < (i + 1) * lanes; q++) TURN(yr, yi, q, xr[q], xi[q], c, d);
  }
}

/* X[k] = (Z[k] + Z*[h - k]) / 2 - i w^k (Z[k] - Z*[h - k]) / 2, h = n / 2, for k in [first, last] */
INLINE void from_pairs(int64_t h, int64_t first, int64_t last, int64_t lanes, IN wr, IN wi, IN zr, IN zi, OUT yr,
                       OUT yi) {
  const real half = (real)0.5;
  for (int64_t k = first; k <= last; k++) {
    const real c = wr[k], d = wi[k];
    const int64_t at = (k == h ? 0 : k) * lanes, back = (k == 0 ? 0 : h - k) * lanes;
    for (int64_t l = 0; l < lanes; l++) {
      const real ar = zr[at + l], ai = zi[at + l], br = zr[back + l], bi = zi[back + l];
      const real sum_r = ar + br, sum_i = ai - bi, off_r = ai + bi, off_i = br - ar;
      yr[k * lanes + l] = half * (sum_r + (off_r * c - off_i * d));
      yi[k * lanes + l] = half * (sum_i + (off_r * d + off_i * c));
    }
  }
}

static void after_real(int64_t n, int64_t lanes, const void *wr, const void *wi, const void *zr, const void *zi,
                       void *yr, void *yi) {
  const int64_t h = n / 2;
  from_pairs(h, 0, 0, lanes, wr, wi, zr, zi, yr, yi);
  if (lanes == 1)
    from_pairs(h, 1, h - 1, 1, wr, wi, zr, zi, yr, yi);
  else
    from_pairs(h, 1, h - 1, lanes, wr, wi, zr, zi, yr, yi);
  from_pairs(h, h, h, lanes, wr, wi, zr, zi, yr, yi);
}

/* Z[k] = (X[k] + X*[h - k]) + i w^-k (X[k] - X*[h - k]), for k in [first, last); the ends' imaginary parts are 0 */
INLINE void to_pairs(int64_t h, int64_t first, int64_t last, int64_t lanes, IN wr, IN wi, IN xr, IN xi, OUT zr,
                     OUT zi) {
  for (int64_t k = first; k < last; k++) {
    const real c = wr[k], d = -wi[k];
    const int64_t at = k * lanes, back = (h - k) * lanes;
    for (int64_t l = 0; l < lanes; l++) {
      const real ar = xr[at + l], br = xr[back + l], a = k == 0 ? 0 : xi[at + l], b = k == 0 ? 0 : xi[back + l];
      const real sum_r = ar + br, sum_i = a - b, off_r = ar - br, off_i = a + b;
      zr[k * lanes + l] = sum_r - (off_r * d + off_i * c);
      zi[k * lanes + l] = sum_i + (off_r * c - off_i * d);
    }
  }
}

static void before_real(int64_t n, int64_t lanes, const void *wr, const void *wi, const void *xr, const void *xi,
                        void *zr, void *zi) {
  const int64_t h = n / 2;
  to_pairs(h, 0, 1, lanes, wr, wi, xr, xi, zr, zi);
  if (lanes == 1)
    to_pairs(h, 1, h, 1, wr, wi, xr, xi, zr, zi);
  else
    to_pairs(h, 1, h, lanes, wr, wi, xr, xi, zr, zi);
}

INLINE void take(int64_t n, int64_t lanes, IN x, int64_t step, int64_t lane, int64_t odd, OUT re, OUT im) {
  for (int64_t i = 0; i < n; i++) {
    const real *from = x + i * step;
    for (int64_t l = 0; l < lanes; l++) re[i * lanes + l] = from[l * lane];
    for (int64_t l = 0; l < lanes; l++) im[i * lanes + l] = odd ? from[l * lane + odd] : 0;
  }
}

static void split(int64_t n, int64_t lanes, const void *x, int64_t step, int64_t lane, int64_t odd, void *re,
                  void *im) {
  if (lanes == 1 && step == 2 && odd == 1) /* one signal of complex numbers or of pairs */
    take(n, 1, x, 2, 1, 1, re, im);
  else if (lane == 2 && odd == 1) /* neighbours of complex numbers */
    take(n, lanes, x, step, 2, 1, re, im);
  else
    take(n, lanes, x, step, lane, odd, re, im);
}

INLINE void give(int64_t n, int64_t lanes, IN re, IN im, real scale, OUT x, int64_t step, int64_t lane, int64_t odd) {
  for (int64_t i = 0; i < n; i++) {
    real *to = x + i * step;
    if (odd)
      for (int64_t l = 0; l < lanes; l++) {
        to[l * lane] = scale * re[i * lanes + l];
        to[l * lane + odd] = scale * im[i * lanes + l];
      }
    else
      for (int64_t l = 0; l < lanes; l++) to[l * lane] = scale * re[i * lanes + l];
  }
}

static void join(int64_t n, int64_t lanes, const void *re, const void *im, double factor, void *x, int64_t step,
                 int64_t lane, int64_t odd) {
  const real scale = (real)factor;
  if (lanes == 1 && step == 2 && odd == 1)
    give(n, 1, re, im, scale, x, 2, 1, 1);
  else if (lane == 2 && odd == 1)
    give(n, lanes, re, im, scale, x, step, 2, 1);
  else
    give(n, lanes, re, im, scale, x, step, lane, odd);
}

extern const lm_kernel_fft KERNEL(fft);
const lm_kernel_fft KERNEL(fft) = {.pass = pass,
                                   .multiply = multiply,
                                   .after_real = after_real,
                                   .before_real = before_real,
                                   .split = split,
                                   .join = join};
