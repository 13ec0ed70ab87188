/* fft.c: the passes of fft.h. Inner loops run over `inner` neighbours and vectorise by themselves. */
#include "kernels/fft.h"

#include "kernels/template.h"

#define IN  const real *restrict
#define OUT real *restrict

/* (yr, yi) = (a + i b) (c + i d) at q */
#define TURN(yr, yi, q, a, b, c, d)                                                                                  \
  do {                                                                                                               \
    const real turn_a = (a), turn_b = (b);                                                                           \
    (yr)[q] = turn_a * (c)-turn_b * (d);                                                                             \
    (yi)[q] = turn_a * (d) + turn_b * (c);                                                                           \
  } while (0)

static void pass2(int64_t m, int64_t step, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  for (int64_t p = 0; p < m; p++) {
    const real c = wr[p * step], d = wi[p * step];
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

static void pass3(int64_t m, int64_t step, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  const real half = (real)0.5, s = (real)0.86602540378443864676;
  for (int64_t p = 0; p < m; p++) {
    const real c1 = wr[p * step], d1 = wi[p * step], c2 = wr[2 * p * step], d2 = wi[2 * p * step];
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

static void pass4(int64_t m, int64_t step, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
  for (int64_t p = 0; p < m; p++) {
    const real c1 = wr[p * step], d1 = wi[p * step], c2 = wr[2 * p * step], d2 = wi[2 * p * step];
    const real c3 = wr[3 * p * step], d3 = wi[3 * p * step];
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

static void pass5(int64_t m, int64_t step, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr, OUT yi) {
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
    const real *w = wr + p * step, *v = wi + p * step; /* the powers are p * step apart */
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
      TURN(r2, i2, q, two_r + off2_r, two_i - off2_i, w[p * step], v[p * step]);
      TURN(r3, i3, q, two_r - off2_r, two_i + off2_i, w[2 * p * step], v[2 * p * step]);
      TURN(r4, i4, q, one_r - off1_r, one_i + off1_i, w[3 * p * step], v[3 * p * step]);
    }
  }
}

/* Any radix: the sum over j ascending, by definition. */
static void pass_any(int64_t n, int r, int64_t m, int64_t step, int64_t inner, IN wr, IN wi, IN xr, IN xi, OUT yr,
                     OUT yi) {
  for (int64_t p = 0; p < m; p++)
    for (int64_t k = 0; k < r; k++) {
      OUT or = yr + inner * (r * p + k), *restrict oi = yi + inner * (r * p + k);
      memcpy(or, xr + inner * p, (size_t)inner * sizeof(real));
      memcpy(oi, xi + inner * p, (size_t)inner * sizeof(real));
      for (int64_t j = 1; j < r; j++) {
        const real c = wr[j * k % r * (n / r)], d = wi[j * k % r * (n / r)];
        IN ar = xr + inner * (p + m * j), *restrict ai = xi + inner * (p + m * j);
        for (int64_t q = 0; q < inner; q++) {
          or [q] += ar[q] * c - ai[q] * d;
          oi[q] += ar[q] * d + ai[q] * c;
        }
      }
      const real c = wr[p * k * step], d = wi[p * k * step];
      for (int64_t q = 0; q < inner; q++) TURN(or, oi, q, or [q], oi[q], c, d);
    }
}

static void pass(int64_t n, int r, int64_t m, int64_t step, int64_t lanes, const void *wr, const void *wi,
                 const void *xr, const void *xi, void *yr, void *yi) {
  const int64_t inner = step * lanes;
  if (r == 4)
    pass4(m, step, inner, wr, wi, xr, xi, yr, yi);
  else if (r == 2)
    pass2(m, step, inner, wr, wi, xr, xi, yr, yi);
  else if (r == 3)
    pass3(m, step, inner, wr, wi, xr, xi, yr, yi);
  else if (r == 5)
    pass5(m, step, inner, wr, wi, xr, xi, yr, yi);
  else
    pass_any(n, r, m, step, inner, wr, wi, xr, xi, yr, yi);
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

/* X[k] = (Z[k] + Z*[h - k]) / 2 - i w^k (Z[k] - Z*[h - k]) / 2, h = n / 2 */
static void after_real(int64_t n, int64_t lanes, const void *pwr, const void *pwi, const void *pzr, const void *pzi,
                       void *pyr, void *pyi) {
  const real *wr = pwr, *wi = pwi, half = (real)0.5;
  OUT yr = pyr, *restrict yi = pyi;
  const int64_t h = n / 2;
  for (int64_t k = 0; k <= h; k++) {
    const real c = wr[k], d = wi[k];
    IN ar = (IN)pzr + k % h * lanes, *restrict ai = (IN)pzi + k % h * lanes;
    IN br = (IN)pzr + (h - k) % h * lanes, *restrict bi = (IN)pzi + (h - k) % h * lanes;
    for (int64_t l = 0; l < lanes; l++) {
      const real sum_r = ar[l] + br[l], sum_i = ai[l] - bi[l], off_r = ai[l] + bi[l], off_i = br[l] - ar[l];
      yr[k * lanes + l] = half * (sum_r + (off_r * c - off_i * d));
      yi[k * lanes + l] = half * (sum_i + (off_r * d + off_i * c));
    }
  }
}

/* Z[k] = (X[k] + X*[h - k]) + i w^-k (X[k] - X*[h - k]) */
static void before_real(int64_t n, int64_t lanes, const void *pwr, const void *pwi, const void *pxr, const void *pxi,
                        void *pzr, void *pzi) {
  const real *wr = pwr, *wi = pwi;
  OUT zr = pzr, *restrict zi = pzi;
  const int64_t h = n / 2;
  for (int64_t k = 0; k < h; k++) {
    const real c = wr[k], d = -wi[k], read = k == 0 ? 0 : 1;
    IN ar = (IN)pxr + k * lanes, *restrict ai = (IN)pxi + k * lanes;
    IN br = (IN)pxr + (h - k) * lanes, *restrict bi = (IN)pxi + (h - k) * lanes;
    for (int64_t l = 0; l < lanes; l++) {
      const real a = read != 0 ? ai[l] : 0, b = read != 0 ? bi[l] : 0;
      const real sum_r = ar[l] + br[l], sum_i = a - b, off_r = ar[l] - br[l], off_i = a + b;
      zr[k * lanes + l] = sum_r - (off_r * d + off_i * c);
      zi[k * lanes + l] = sum_i + (off_r * c - off_i * d);
    }
  }
}

static void split(int64_t n, int64_t lanes, const void *px, int64_t step, int64_t lane, int64_t odd, void *pre,
                  void *pim) {
  const real *x = px;
  OUT re = pre, *restrict im = pim;
  for (int64_t i = 0; i < n; i++) {
    const real *from = x + i * step;
    for (int64_t l = 0; l < lanes; l++) re[i * lanes + l] = from[l * lane];
    for (int64_t l = 0; l < lanes; l++) im[i * lanes + l] = odd ? from[l * lane + odd] : 0;
  }
}

static void join(int64_t n, int64_t lanes, const void *pre, const void *pim, double factor, void *px, int64_t step,
                 int64_t lane, int64_t odd) {
  IN re = pre, *restrict im = pim;
  const real scale = (real)factor;
  real *x = px;
  for (int64_t i = 0; i < n; i++) {
    real *to = x + i * step;
    for (int64_t l = 0; l < lanes; l++) to[l * lane] = scale * re[i * lanes + l];
    for (int64_t l = 0; l < lanes && odd; l++) to[l * lane + odd] = scale * im[i * lanes + l];
  }
}

extern const lm_kernel_fft KERNEL(fft);
const lm_kernel_fft KERNEL(fft) = {.pass = pass,
                                   .multiply = multiply,
                                   .after_real = after_real,
                                   .before_real = before_real,
                                   .split = split,
                                   .join = join};
