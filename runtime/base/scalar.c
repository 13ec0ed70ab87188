/* scalar.c: the functions of scalar.h, from the kernels' own.
 *
 * atan is fitted on |t| <= tan(pi/8); above, atan(t) = pi/4 + atan((t - 1) / (t + 1)), and pi/2 - atan(1/t) above 1.
 * The arguments of the polynomial, and the constants, are sums of two doubles. */
#define LM_ISA_NAME    scalar
#define LM_REAL_IS_F64 1
#include "base/scalar.h"

#include "kernels/math.h"

double lm_exp(double x) { return m_exp_f64(x); }
double lm_expm1(double x) { return m_expm1_f64(x); }
double lm_log(double x) { return m_log_f64(x); }
double lm_log1p(double x) { return m_log1p_f64(x); }
double lm_sin(double x) { return m_sin_f64(x); }
double lm_cos(double x) { return m_cos_f64(x); }
double lm_tanh(double x) { return m_tanh_f64(x); }
double lm_erf(double x) { return m_erf_f64(x); }
double lm_pow(double x, double y) { return m_pow_f64(x, y); }

/* log(x) / log(base), with 1 / log(base) = hi + low */
static double log_in(double x, double hi, double low) {
  if (!(x > 0) || x > __DBL_MAX__) return m_log_f64(x);
  const pair_f64 r = pair_product(log_pair_f64(x), (pair_f64){hi, low});
  return r.hi + r.low;
}
double lm_log2(double x) { return log_in(x, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56); }
double lm_log10(double x) { return log_in(x, 0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57); }

/* ---- tan: sin / cos, each with what its last addition lost, and the quotient's own remainder --------------------
 */

static pair_f64 sine_pair(double hi, double low) {
  const double z = hi * hi;
  double p = 0x1.5d915d4c78e53p-33;
  p = lm_fma_f64(p, z, -0x1.ae5e60c251efcp-26);
  p = lm_fma_f64(p, z, 0x1.71de3570fb5f5p-19);
  p = lm_fma_f64(p, z, -0x1.a01a019c0a281p-13);
  p = lm_fma_f64(p, z, 0x1.111111110f842p-7);
  p = lm_fma_f64(p, z, -0x1.5555555555549p-3);
  return pair_sum(hi, lm_fma_f64(z * hi, p, lm_fma_f64(z * -0.5, low, low)));
}
static pair_f64 cosine_pair(double hi, double low) {
  const double z = hi * hi, half = 0.5 * z, w = 1.0 - half, z_low = lm_fma_f64(hi, hi, -z);
  double p = -0x1.8face1ac1eff7p-37;
  p = lm_fma_f64(p, z, 0x1.1ee9e8b412507p-29);
  p = lm_fma_f64(p, z, -0x1.27e4f8056ef8bp-22);
  p = lm_fma_f64(p, z, 0x1.a01a019cabd3fp-16);
  p = lm_fma_f64(p, z, -0x1.6c16c16c15145p-10);
  p = lm_fma_f64(p, z, 0x1.555555555554cp-5);
  const double rest = lm_fma_f64(-0.5, z_low, ((1.0 - w) - half)) - hi * low;
  return pair_sum(w, lm_fma_f64(z * z, p, rest));
}
static pair_f64 pair_divide(pair_f64 a, pair_f64 b) {
  const double q = a.hi / b.hi;
  const double rest = lm_fma_f64(-q, b.low, lm_fma_f64(-q, b.hi, a.hi)) + a.low;
  return pair_sum(q, rest / b.hi);
}

double lm_tan(double x) {
  if (x == 0 || !(__builtin_fabs(x) <= __DBL_MAX__)) return x == 0 ? x : x - x;
  const trig_reduced r = trig_reduce(x);
  const pair_f64 s = sine_pair(r.hi, r.low), c = cosine_pair(r.hi, r.low);
  if ((r.quadrant & 1) == 0) return pair_divide(s, c).hi;
  return pair_divide((pair_f64){-c.hi, -c.low}, s).hi;
}

/* ---- arc tangents -------------------------------------------------------------------------------------------- */

/* atan(t) for t = hi + low, 0 <= t <= 1 */
static pair_f64 atan_pair(pair_f64 t) {
  const bool upper = t.hi > 0.41421356237309503;
  if (upper) {
    const pair_f64 up = pair_sum(-1.0, t.hi), down = pair_sum(1.0, t.hi);
    t = pair_divide((pair_f64){up.hi, up.low + t.low}, (pair_f64){down.hi, down.low + t.low});
  }
  const double x = t.hi, z = x * x;
  double p = 0x1.f249ebdc47b6dp-7;
  p = lm_fma_f64(p, z, -0x1.125091b484d68p-5);
  p = lm_fma_f64(p, z, 0x1.70f861b08bab7p-5);
  p = lm_fma_f64(p, z, -0x1.ab805ae32b7b1p-5);
  p = lm_fma_f64(p, z, 0x1.e1727731684fep-5);
  p = lm_fma_f64(p, z, -0x1.110c793a58cadp-4);
  p = lm_fma_f64(p, z, 0x1.3b136ea3fd271p-4);
  p = lm_fma_f64(p, z, -0x1.745d14bf525f0p-4);
  p = lm_fma_f64(p, z, 0x1.c71c71b775420p-4);
  p = lm_fma_f64(p, z, -0x1.2492492475cdfp-3);
  p = lm_fma_f64(p, z, 0x1.9999999999659p-3);
  p = lm_fma_f64(p, z, -0x1.5555555555554p-2);
  const pair_f64 a = pair_sum(x, lm_fma_f64(z * x, p, lm_fma_f64(-z, t.low, t.low)));
  return upper ? pair_more(0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55, a) : a;
}

double lm_atan2(double y, double x) {
  if (x != x || y != y) return x + y;
  const double pi = 0x1.921fb54442d18p+1, a = __builtin_fabs(y), b = __builtin_fabs(x), inf = __builtin_inf();
  const bool left = __builtin_signbit(x) != 0;
  double r;
  if (a == 0)
    r = left ? pi : 0.0;
  else if (a == inf)
    r = b == inf ? (left ? 0.75 * pi : 0.25 * pi) : 0.5 * pi;
  else if (b == inf)
    r = left ? pi : 0.0;
  else {
    const bool steep = a > b, small = a < 0x1p-900 && b < 0x1p-900;
    const double scale = small ? 0x1p900 : a > 0x1p900 || b > 0x1p900 ? 0x1p-100 : 1.0;
    const pair_f64 up = {(steep ? b : a) * scale, 0}, down = {(steep ? a : b) * scale, 0};
    const double ratio = up.hi / down.hi;
    /* a ratio so small that its remainder would underflow is already what is wanted */
    pair_f64 t = ratio < 0x1p-100 ? (pair_f64){ratio, 0} : atan_pair(pair_divide(up, down));
    if (steep) t = pair_more(0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, (pair_f64){-t.hi, -t.low});
    if (left) t = pair_more(pi, 0x1.1a62633145c07p-53, (pair_f64){-t.hi, -t.low});
    r = t.hi + t.low;
  }
  return __builtin_copysign(r, y);
}

/* sqrt(1 - x^2) as a pair, from (1 - x)(1 + x) */
static pair_f64 other_leg(double x) {
  const double p = x * x, p_low = lm_fma_f64(x, x, -p);
  const pair_f64 d = pair_sum(1.0, -p);
  const double rest = d.low - p_low, root = __builtin_sqrt(d.hi + rest);
  if (root == 0) return (pair_f64){0, 0};
  const double miss = lm_fma_f64(-root, root, d.hi) + rest;
  return pair_sum(root, miss / (2.0 * root));
}

/* The angle whose tangent is y / x, for 0 <= y and 0 <= x, not both 0 */
static pair_f64 angle(pair_f64 y, pair_f64 x) {
  if (y.hi <= x.hi) return atan_pair(pair_divide(y, x));
  const pair_f64 t = atan_pair(pair_divide(x, y));
  return pair_more(0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, (pair_f64){-t.hi, -t.low});
}

double lm_asin(double x) {
  const double a = __builtin_fabs(x);
  if (!(a <= 1)) return x != x ? x : __builtin_nan("");
  if (a < 0x1p-27) return x;
  const pair_f64 t = angle((pair_f64){a, 0}, other_leg(a));
  return __builtin_copysign(t.hi + t.low, x);
}

double lm_acos(double x) {
  const double a = __builtin_fabs(x);
  if (!(a <= 1)) return x != x ? x : __builtin_nan("");
  pair_f64 t = angle(other_leg(a), (pair_f64){a, 0});
  if (x < 0) t = pair_more(0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53, (pair_f64){-t.hi, -t.low});
  return t.hi + t.low;
}
