/* recurrent.c: the loops of recurrent.h, one expression per element, so that the compiler vectorises them. `ivdep`
 * states that outputs are either the same memory as an input or apart from it. */
#include "kernels/recurrent.h"

#include "kernels/math.h"

#define EACH_UNIT _Pragma("GCC ivdep") for (int64_t j = 0; j < s->n; j++)

/* 1 - y^2 and y (1 - y), as the ops tanh and sigmoid have them */
static inline real tanh_slope(real y) { return FMA(-y, y, (real)1); }
static inline real sigmoid_slope(real y) { return y * (1 - y); }

/* ---- the plain network: y = tanh(a) or relu(a) ---------------------------------------------------------------- */

static void rnn(const lm_recurrent_step *s) {
  for (int64_t row = 0; row < s->rows; row++) {
    real *y = (real *)s->gates + row * s->units;
    if (s->relu) {
      EACH_UNIT y[j] = y[j] > 0 ? y[j] : y[j] != y[j] ? y[j] : (real)0;
    } else {
      EACH_UNIT y[j] = m_tanh(y[j]);
    }
  }
}

static void rnn_back(const lm_recurrent_step *s) {
  for (int64_t row = 0; row < s->rows; row++) {
    const real *y = (const real *)s->gates + row * s->units, *dy = (const real *)s->dy + row * s->dy_row;
    real *dh = (real *)s->dh + row * s->units, *da = (real *)s->da + row * s->units;
    if (s->relu) {
      EACH_UNIT da[j] = y[j] <= 0 ? (real)0 : dh[j];
    } else {
      EACH_UNIT da[j] = dh[j] * tanh_slope(y[j]);
    }
    EACH_UNIT dh[j] = dy[j];
  }
}

/* ---- LSTM: c = f c + i g, h = o tanh(c); gates i, f, g, o ----------------------------------------------------- */

static void lstm(const lm_recurrent_step *s) {
  const int64_t units = s->units;
  for (int64_t row = 0; row < s->rows; row++) {
    real *i = (real *)s->gates + row * 4 * units, *f = i + units, *g = f + units, *o = g + units;
    const real *before = (const real *)s->before + row * units;
    real *cell = (real *)s->cell + row * units, *squashed = (real *)s->squashed + row * units;
    real *y = (real *)s->y + row * units;
    EACH_UNIT {
      const real in = m_sigmoid(i[j]), keep = m_sigmoid(f[j]), new = m_tanh(g[j]), out = m_sigmoid(o[j]);
      const real c = FMA(keep, before[j], in * new), t = m_tanh(c);
      i[j] = in;
      f[j] = keep;
      g[j] = new;
      o[j] = out;
      cell[j] = c;
      squashed[j] = t;
      y[j] = out * t;
    }
  }
}

static void lstm_back(const lm_recurrent_step *s) {
  const int64_t units = s->units;
  for (int64_t row = 0; row < s->rows; row++) {
    const real *i = (const real *)s->gates + row * 4 * units, *f = i + units, *g = f + units, *o = g + units;
    const real *before = (const real *)s->before + row * units, *squashed = (const real *)s->squashed + row * units;
    const real *dy = (const real *)s->dy + row * s->dy_row;
    real *dh = (real *)s->dh + row * units, *dc = (real *)s->dc + row * units;
    real *di = (real *)s->da + row * 4 * units, *df = di + units, *dg = df + units, *d_o = dg + units;
    EACH_UNIT {
      const real h = dh[j], t = squashed[j], c = FMA(h * o[j], tanh_slope(t), dc[j]);
      di[j] = c * g[j] * sigmoid_slope(i[j]);
      df[j] = c * before[j] * sigmoid_slope(f[j]);
      dg[j] = c * i[j] * tanh_slope(g[j]);
      d_o[j] = h * t * sigmoid_slope(o[j]);
      dc[j] = c * f[j];
      dh[j] = dy[j];
    }
  }
}

/* ---- GRU: n = tanh(a + r q), h' = (1 - z) n + z h; gates r, z, n ---------------------------------------------- */

static void gru(const lm_recurrent_step *s) {
  const int64_t units = s->units;
  for (int64_t row = 0; row < s->rows; row++) {
    real *r = (real *)s->gates + row * 3 * units, *z = r + units, *n = z + units;
    const real *before = (const real *)s->before + row * units, *recent = (const real *)s->recent + row * units;
    real *y = (real *)s->y + row * units;
    EACH_UNIT {
      const real reset = m_sigmoid(r[j]), keep = m_sigmoid(z[j]), new = m_tanh(FMA(reset, recent[j], n[j]));
      r[j] = reset;
      z[j] = keep;
      n[j] = new;
      y[j] = FMA(keep, before[j] - new, new);
    }
  }
}

static void gru_back(const lm_recurrent_step *s) {
  const int64_t units = s->units;
  for (int64_t row = 0; row < s->rows; row++) {
    const real *r = (const real *)s->gates + row * 3 * units, *z = r + units, *n = z + units;
    const real *before = (const real *)s->before + row * units, *recent = (const real *)s->recent + row * units;
    const real *dy = (const real *)s->dy + row * s->dy_row;
    real *dh = (real *)s->dh + row * units;
    real *dr = (real *)s->da + row * 3 * units, *dz = dr + units, *dn = dz + units;
    real *er = (real *)s->db + row * 3 * units, *ez = er + units, *en = ez + units;
    EACH_UNIT {
      const real h = dh[j], new = h *(1 - z[j]) * tanh_slope(n[j]);
      const real reset = new *recent[j] * sigmoid_slope(r[j]), keep = h *(before[j] - n[j]) * sigmoid_slope(z[j]);
      dr[j] = er[j] = reset;
      dz[j] = ez[j] = keep;
      dn[j] = new;
      en[j] = new *r[j];
      dh[j] = FMA(h, z[j], dy[j]);
    }
  }
}

const lm_kernel_recurrent KERNEL(recurrent) = {.forward = {rnn, lstm, gru},
                                               .backward = {rnn_back, lstm_back, gru_back}};
