/* math_special.h: the complementary error function, sin(pi x) / (pi x), and the logarithm of the gamma function with
 * its derivatives; a part of math.h. float32 goes through float64.
 *
 * erfc: 1 - erf below 0.4; above, e^(-x^2) (1 + P(t)) / (1 + 2x) with t = (x - 4) / (x + 4) (Shepherd & Laframboise
 * 1981), P a Chebyshev fit, quotient and x^2 as sums of two doubles.
 * lgamma: fits to lgamma(1 + t) / t and lgamma(2 + t) / t near its zeros and to itself between them, recurrence to
 * them below 10, Stirling's series above; reflection below 0. digamma and trigamma: recurrence up to 10, then the
 * asymptotic series; reflection below 0. Their parts are kept as sums of two doubles, since they nearly cancel.
 * Errors of lgamma below 0 and of digamma are counted in ULP of the larger of 1 and the result: next to zeros that no
 * double meets, no digit may be right. */
#ifndef LM_KERNELS_MATH_SPECIAL_H
#define LM_KERNELS_MATH_SPECIAL_H

#include "kernels/math_hyper.h"

/* ---- erfc ---------------------------------------------------------------------------------------------------- */

static inline double erfc_tail_f64(double t) { /* P */
  double p = -0x1.6339b94271389p-33;
  p = lm_fma_f64(p, t, 0x1.7f8f5b6259a0cp-30);
  p = lm_fma_f64(p, t, 0x1.921e92f311091p-29);
  p = lm_fma_f64(p, t, -0x1.eb2f8e61154aap-27);
  p = lm_fma_f64(p, t, -0x1.5f644731c0619p-26);
  p = lm_fma_f64(p, t, 0x1.d85f746cfa791p-24);
  p = lm_fma_f64(p, t, 0x1.4dc65e604d1e5p-24);
  p = lm_fma_f64(p, t, -0x1.baf4bac9588c5p-21);
  p = lm_fma_f64(p, t, 0x1.3910e78daf59fp-22);
  p = lm_fma_f64(p, t, 0x1.7f267ffcd47adp-18);
  p = lm_fma_f64(p, t, -0x1.788393c9b2d4dp-17);
  p = lm_fma_f64(p, t, -0x1.9959128d403c5p-16);
  p = lm_fma_f64(p, t, 0x1.3be03ac1f5907p-13);
  p = lm_fma_f64(p, t, -0x1.a1df26c6223a6p-13);
  p = lm_fma_f64(p, t, -0x1.8d4a99e19f514p-11);
  p = lm_fma_f64(p, t, 0x1.49c67287993f8p-8);
  p = lm_fma_f64(p, t, -0x1.0962388506ab1p-6);
  p = lm_fma_f64(p, t, 0x1.3079edf67f10fp-5);
  p = lm_fma_f64(p, t, -0x1.0fb06dfe49b3dp-4);
  p = lm_fma_f64(p, t, 0x1.7fee004e12686p-4);
  p = lm_fma_f64(p, t, -0x1.9ddb23c3e9080p-4);
  p = lm_fma_f64(p, t, 0x1.16ecefcfa538fp-4);
  p = lm_fma_f64(p, t, 0x1.f7f5df66fd7b0p-7);
  p = lm_fma_f64(p, t, -0x1.1df1ad154a28ep-3);
  return lm_fma_f64(p, t, 0x1.dd2c8b74febf6p-3);
}

static inline double m_erfc_f64(double x) {
  const double c = x > 28.0 ? 28.0 : x < 0.25 ? 0.25 : x, square = c * c;
  const pair_f64 up = pair_sum(1.0, erfc_tail_f64((c - 4.0) / (c + 4.0))),
                 down = pair_more(1.0, 0.0, (pair_f64){2.0 * c, 0.0});
  const pair_f64 wide = pair_sum(2.0 * c, 1.0), q = pair_divide(up, c < 0.5 ? down : wide);
  const double e = exp_sum_f64(-square, -lm_fma_f64(c, c, -square)), far = lm_fma_f64(e, q.hi, e * q.low);
  return x != x ? x : x < 0.4 ? 1.0 - m_erf_f64(x) : far;
}
static inline float m_erfc_f32(float x) { return (float)m_erfc_f64((double)x); }

/* ---- sin(pi x) and sinc --------------------------------------------------------------------------------------- */

/* x = k / 2 + r, |r| <= 1/4, exactly; pi r as a sum of two doubles. |x| < 2^50. */
static inline trig_reduced trig_reduce_pi(double x) {
  const double shifted = 2.0 * x + LM_ROUND_F64, k = shifted - LM_ROUND_F64, r = lm_fma_f64(k, -0.5, x);
  const double hi = r * LM_PI_HI;
  return (trig_reduced){hi, lm_fma_f64(r, LM_PI_HI, -hi) + r * LM_PI_LO, bits_f64(shifted)};
}
/* |x| less the largest even number not above it, exactly: sin(pi x) has period 2. */
static inline double mod_two_f64(double y) { return y - 2.0 * __builtin_floor(0.5 * y); }

/* sin(pi x) / (pi x); 1 at 0, and at the infinities its limit, 0. From 2^54 on every double is an even number. */
static inline double m_sinc_f64(double x) {
  const double y = __builtin_fabs(x), c = y < 0x1p54 ? y : 1.0, d = c < 0x1p-28 ? 1.0 : c, p = d * LM_PI_HI;
  const double sine = trig_of_f64(trig_reduce_pi(mod_two_f64(c)), 0);
  const double q = pair_divide((pair_f64){sine, 0}, (pair_f64){p, lm_fma_f64(d, LM_PI_HI, -p) + d * LM_PI_LO}).hi;
  return x != x ? x : y < 0x1p-28 ? 1.0 : y < 0x1p54 ? q + 0.0 : 0.0; /* + 0.0: never -0 */
}
static inline float m_sinc_f32(float x) { return (float)m_sinc_f64((double)x); }

/* m + l for m and l of any size; a sum, and that sum rounded, which is m where that is infinite */
static inline pair_f64 pair_beside(double m, pair_f64 l) {
  const double sum = m + l.hi, part = sum - m;
  return (pair_f64){sum, ((m - (sum - part)) + (l.hi - part)) + l.low};
}
static inline double sum_of_f64(double m, pair_f64 l) {
  const pair_f64 sum = pair_beside(m, l);
  return __builtin_fabs(m) <= __DBL_MAX__ ? sum.hi + sum.low : m;
}

/* ---- the gamma function -------------------------------------------------------------------------------------- */

/* lgamma(1 + t) for |t| <= 0.31, lgamma(2 + t) for -0.27 <= t <= 0.73, and about its least value in between */
static inline double lgamma_one_f64(double t) {
  static const double c[22] = {
      0x1.33b1d3e05d034p-4, -0x1.41b681fe91491p-4, 0x1.5ce2ed4f84ed1p-5, -0x1.6fe360e9ba17fp-5,
      0x1.cf4c3b80d3542p-5, -0x1.ea6a19fec2165p-5, 0x1.ff55c66827ac4p-5, -0x1.10b97bf5bba22p-4,
      0x1.249b60ccb0e37p-4, -0x1.3b2248a6e8bc8p-4, 0x1.556aafa9056f5p-4, -0x1.748c0aebc4a1cp-4,
      0x1.9a01e4529a822p-4, -0x1.c8067142a9ce4p-4, 0x1.010b36ae49aa2p-3, -0x1.2703a1dba0745p-3,
      0x1.5b40cb100e255p-3, -0x1.a8b9c17aa81e7p-3, 0x1.151322ac7d83fp-2, -0x1.9a4d55beab2cdp-2,
      0x1.a51a6625307d3p-1, -0x1.2788cfc6fb619p-1,
  };
  double p = c[0];
  for (int i = 1; i < 22; i++) p = lm_fma_f64(p, t, c[i]);
  return t * p + 0.0; /* lgamma(1) is +0 */
}
static inline double lgamma_two_f64(double t) {
  static const double c[21] = {
      -0x1.c6b3351074179p-29, 0x1.8a6182bf4ccc7p-26, -0x1.5a8d24f51e6c9p-24, 0x1.b6db3eb1629d6p-23,
      -0x1.e3681ee20b443p-22, 0x1.010b12284cb2cp-20, -0x1.11cef7a29aefcp-19, 0x1.2595c3e1a68cap-18,
      -0x1.3cbb7916545dap-17, 0x1.580dbd8b47a85p-16, -0x1.78de6013c6a60p-15, 0x1.a127b17bc2dd5p-14,
      -0x1.d3fd4c7050fb6p-13, 0x1.0b36af857342cp-11, -0x1.38ac5c2bf959ap-10, 0x1.7add6eadb7cd7p-9,
      -0x1.e404fc218f623p-8,  0x1.51322ac7d847fp-6,  -0x1.13e001a557606p-4,  0x1.4a34cc4a60fa6p-2,
      0x1.b0ee6072093cep-2,
  };
  double p = c[0];
  for (int i = 1; i < 21; i++) p = lm_fma_f64(p, t, c[i]);
  return t * p;
}
#define LM_LGAMMA_MIN 1.4616321449683622
static inline double lgamma_least_f64(double t) {
  static const double c[19] = {
      0x1.de60700ff6028p-15, -0x1.b64777aa02777p-14, 0x1.3249836554d99p-13, -0x1.d4242a6221876p-13,
      0x1.70b8a0d4c7f51p-12, -0x1.229b6a0f91dc1p-11, 0x1.cc74d961de3bcp-11, -0x1.6f9740ffcaa9dp-10,
      0x1.28311a142c5cfp-9,  -0x1.e2f1a4b0d2180p-9,  0x1.8fce02c2d3083p-8,  -0x1.51f9f94f72062p-7,
      0x1.266e7979fd44dp-6,  -0x1.0c9a8df5136bfp-5,  0x1.08b4294d503d1p-4,  -0x1.2e4278dc6bc23p-3,
      0x1.ef72bc8ee38acp-2,  -0x1.aa58fbe30aa82p-54, -0x1.f19b9bcc38a42p-4,
  };
  double p = c[0];
  for (int i = 1; i < 19; i++) p = lm_fma_f64(p, t, c[i]);
  return p;
}

/* Stirling: (x - 1/2) (log x - 1) + (log(2 pi) - 1) / 2 + 1 / 12x - ..., x >= 10 */
static inline pair_f64 lgamma_far_f64(double x) {
  const double r = 1.0 / x, z = r * r;
  double p = 0x1.6fe96381e0680p-3; /* the Bernoulli numbers B_2k / (2k (2k - 1)), from k = 9 down */
  p = lm_fma_f64(p, z, -0x1.e4286cb0f5398p-6);
  p = lm_fma_f64(p, z, 0x1.a41a41a41a41ap-8);
  p = lm_fma_f64(p, z, -0x1.f6ab0d9993c7dp-10);
  p = lm_fma_f64(p, z, 0x1.b951e2b18ff23p-11);
  p = lm_fma_f64(p, z, -0x1.3813813813814p-11);
  p = lm_fma_f64(p, z, 0x1.a01a01a01a01ap-11);
  p = lm_fma_f64(p, z, -0x1.6c16c16c16c17p-9);
  p = lm_fma_f64(p, z, 0x1.5555555555555p-4);
  const pair_f64 l = log_pair_f64(x), less = pair_sum(l.hi, -1.0);
  const pair_f64 main = pair_product(pair_sum(x, -0.5), pair_sum(less.hi, less.low + l.low));
  const pair_f64 sum = pair_sum(main.hi, 0x1.acfe390c97d69p-2);
  const double low = sum.low + (main.low + lm_fma_f64(p, r, 0.0));
  const bool finite = sum.hi + low <= __DBL_MAX__; /* NaN where the sums overflow */
  return (pair_f64){finite ? sum.hi : __builtin_inf(), finite ? low : 0.0};
}

static inline pair_f64 lgamma_positive_f64(double x) {
  if (x < 0.69) { /* lgamma(1 + x) - log x */
    const double above = x < 0.23 ? lgamma_one_f64(x) : lgamma_least_f64(x - (LM_LGAMMA_MIN - 1.0));
    const pair_f64 l = log_pair_f64(x);
    return pair_beside(above, (pair_f64){-l.hi, -l.low});
  }
  if (x <= 1.23) return (pair_f64){lgamma_one_f64(x - 1.0), 0.0};
  if (x <= 1.73) return (pair_f64){lgamma_least_f64(x - LM_LGAMMA_MIN), 0.0};
  if (x <= 2.73) return (pair_f64){lgamma_two_f64(x - 2.0), 0.0};
  if (x >= 10.0) return lgamma_far_f64(x);
  pair_f64 product = {1.0, 0.0};
  while (x > 2.73) {
    x -= 1.0; /* exact: no smaller power of two is crossed below 1 */
    product = pair_product(product, (pair_f64){x, 0.0});
  }
  return pair_beside(lgamma_two_f64(x - 2.0), log_of_pair(product));
}

/* log|gamma(x)|; below 0 log(pi / |x sin(pi x)|) - lgamma(-x), and infinity at the whole numbers */
static inline double m_lgamma_f64(double x) {
  if (x != x) return x;
  if (x > 0) {
    const pair_f64 l = lgamma_positive_f64(x);
    return l.hi + l.low;
  }
  const double y = -x, sine = y < 0x1p53 ? trig_of_f64(trig_reduce_pi(mod_two_f64(y)), 0) : 0.0;
  if (sine == 0 || y == 0) return __builtin_inf();
  if (y < 0x1p-60) return -m_log_f64(y);
  const pair_f64 size = pair_product((pair_f64){y, 0.0}, (pair_f64){__builtin_fabs(sine), 0.0});
  const pair_f64 p = log_of_pair(size), q = lgamma_positive_f64(y), sum = pair_beside(q.hi, p);
  const pair_f64 r = pair_beside(0x1.250d048e7a1bdp+0, (pair_f64){-sum.hi, -sum.low - q.low});
  return r.hi + r.low;
}
static inline float m_lgamma_f32(float x) { return (float)m_lgamma_f64((double)x); }

/* x >= 10: log x - 1 / 2x - the sum of B_2k / (2k x^2k), k = 1, 2, ... */
static inline pair_f64 digamma_far_f64(double x) {
  const double r = 1.0 / x, z = r * r;
  double p = -0x1.a74ca514ca515p+4;
  p = lm_fma_f64(p, z, 0x1.86e7f9b9fe6e8p+1);
  p = lm_fma_f64(p, z, -0x1.c5e5e5e5e5e5ep-2);
  p = lm_fma_f64(p, z, 0x1.5555555555555p-4);
  p = lm_fma_f64(p, z, -0x1.5995995995996p-6);
  p = lm_fma_f64(p, z, 0x1.f07c1f07c1f08p-8);
  p = lm_fma_f64(p, z, -0x1.1111111111111p-8);
  p = lm_fma_f64(p, z, 0x1.0410410410410p-8);
  p = lm_fma_f64(p, z, -0x1.1111111111111p-7);
  p = lm_fma_f64(p, z, 0x1.5555555555555p-4);
  const pair_f64 l = log_pair_f64(x);
  const pair_f64 sum = pair_sum(l.hi, -0.5 * r);
  return pair_sum(sum.hi, sum.low + (l.low - p * z));
}
/* digamma(x + low), x > 0 */
static inline pair_f64 digamma_positive_f64(double x, double low) {
  pair_f64 sum = {0.0, 0.0};
  while (x < 10.0) {
    const double r = 1.0 / x, rest = (lm_fma_f64(-r, x, 1.0) - r * low) / x, total = sum.hi + r,
                 part = total - sum.hi;
    sum.low += ((sum.hi - (total - part)) + (r - part)) + rest;
    sum.hi = total;
    const double next = x + 1.0, gained = next - x;
    low += (x - (next - gained)) + (1.0 - gained); /* what x + 1 + ... has lost */
    x = next;
  }
  const pair_f64 far = digamma_far_f64(x);
  const double total = far.hi - sum.hi, part = total - far.hi;
  return pair_sum(total, ((far.hi - (total - part)) - (sum.hi + part)) + (far.low - sum.low + low / x));
}

/* The derivative of lgamma; below 0 digamma(1 - x) - pi / tan(pi x), NaN at 0 and the negative whole numbers. */
static inline double m_digamma_f64(double x) {
  if (x > 0 || x != x) {
    const pair_f64 r = digamma_positive_f64(x >= 0x1p-60 && x <= 0x1p60 ? x : 1.0, 0.0);
    return x > 0x1p60 || x != x ? m_log_f64(x) : x < 0x1p-60 ? -1.0 / x : r.hi + r.low;
  }
  const double y = -x;
  if (!(y < 0x1p52) || y == 0) return __builtin_nan("");
  if (y < 0x1p-60) return 1.0 / y;
  const trig_reduced r = trig_reduce_pi(mod_two_f64(y));
  const bool turned = (r.quadrant & 1) != 0;
  const pair_f64 sine = sine_pair(r.hi, r.low), cosine = cosine_pair(r.hi, r.low);
  if (!turned && sine.hi == 0) return __builtin_nan("");
  const pair_f64 minus = {-sine.hi, -sine.low}; /* cos / sin of a quarter turn more is -sin / cos */
  const pair_f64 ratio = pair_divide(pair_pick(turned, minus, cosine), pair_pick(turned, cosine, sine));
  const pair_f64 p = pair_product(ratio, (pair_f64){LM_PI_HI, LM_PI_LO}), next = {1.0 + y, 0.0};
  const double gained = next.hi - 1.0;
  const pair_f64 q = digamma_positive_f64(next.hi, (1.0 - (next.hi - gained)) + (y - gained));
  return sum_of_f64(p.hi, (pair_f64){q.hi, p.low + q.low});
}
static inline float m_digamma_f32(float x) { return (float)m_digamma_f64((double)x); }

/* The derivative of digamma: 1 / x + 1 / 2x^2 + the sum of B_2k / x^(2k+1); below 0 (pi / sin(pi x))^2 less that of
 * 1 - x, and infinity at 0 and the negative whole numbers. */
static inline pair_f64 trigamma_positive_f64(double x, double low) {
  pair_f64 sum = {0.0, 0.0};
  while (x < 10.0) { /* 1 / (x + low)^2, then x + low + 1 */
    const double r = 1.0 / x;
    const pair_f64 inverse = {r, (lm_fma_f64(-r, x, 1.0) - r * low) / x};
    const pair_f64 term = pair_product(inverse, inverse), more = pair_beside(sum.hi, term);
    const double next = x + 1.0, gained = next - x;
    sum = (pair_f64){more.hi, more.low + sum.low};
    low += (x - (next - gained)) + (1.0 - gained);
    x = next;
  }
  const double r = 1.0 / x, r_low = (lm_fma_f64(-r, x, 1.0) - r * low) / x, z = r * r;
  double p = -0x1.088fe72cfe72dp+9;
  p = lm_fma_f64(p, z, 0x1.b7c4f8f13e3c5p+5);
  p = lm_fma_f64(p, z, -0x1.c5e5e5e5e5e5ep+2);
  p = lm_fma_f64(p, z, 0x1.2aaaaaaaaaaabp+0);
  p = lm_fma_f64(p, z, -0x1.0330330330330p-2);
  p = lm_fma_f64(p, z, 0x1.364d9364d9365p-4);
  p = lm_fma_f64(p, z, -0x1.1111111111111p-5);
  p = lm_fma_f64(p, z, 0x1.8618618618618p-6);
  p = lm_fma_f64(p, z, -0x1.1111111111111p-5);
  p = lm_fma_f64(p, z, 0x1.5555555555555p-3);
  const pair_f64 far = pair_sum(r, lm_fma_f64(r * z, p, lm_fma_f64(0.5, z, r_low))), all = pair_beside(sum.hi, far);
  return pair_sum(all.hi, all.low + sum.low);
}
static inline double m_trigamma_f64(double x) {
  if (x > 0 || x != x) {
    const double r = 1.0 / x;
    const pair_f64 value = trigamma_positive_f64(x >= 0x1p-54 && x <= 0x1p54 ? x : 1.0, 0.0);
    return x < 0x1p-54 ? r * r : x <= 0x1p54 ? value.hi + value.low : x != x ? x : r;
  }
  const double y = -x, inverse = 1.0 / y;
  if (y < 0x1p-54) return inverse * inverse;
  if (!(y < 0x1p52)) return __builtin_inf();
  const trig_reduced r = trig_reduce_pi(mod_two_f64(y));
  const pair_f64 sine = (r.quadrant & 1) != 0 ? cosine_pair(r.hi, r.low) : sine_pair(r.hi, r.low);
  if (sine.hi == 0) return __builtin_inf();
  const pair_f64 q = pair_divide((pair_f64){LM_PI_HI, LM_PI_LO}, sine), square = pair_product(q, q);
  const double next = 1.0 + y, gained = next - 1.0;
  const pair_f64 mirror = trigamma_positive_f64(next, (1.0 - (next - gained)) + (y - gained));
  return sum_of_f64(square.hi, (pair_f64){-mirror.hi, square.low - mirror.low});
}
static inline float m_trigamma_f32(float x) { return (float)m_trigamma_f64((double)x); }

#endif
