/* test_augment.c: every step against its definition: exact shifts and turns, ramps that bilinear sampling must keep,
 * naive sums; what is drawn lies in its range, depends on (seed, epoch, item) alone and varies with each. */
#include "files.h"

#include "base/memory.h"
#include "base/scalar.h"
#include "image/augment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { C = 2, H = 9, W = 12 };

/* Every pixel differs: channel, row and column can be read off the value. */
static lm_image numbered(void) {
  lm_err e;
  lm_image p = {lm_alloc(C * H * W * sizeof(float), "test", &e), C, H, W};
  for (int i = 0; i < C * H * W; i++) p.data[i] = (float)i;
  return p;
}

static float at(const lm_image *p, int64_t c, int64_t y, int64_t x) {
  return p->data[(c * p->height + y) * p->width + x];
}

static lm_image applied(lm_step s, uint64_t seed, uint32_t epoch, int64_t item) {
  lm_err e = {0};
  lm_image p = numbered();
  s.purpose = lm_purpose(lm_step_name(s.kind));
  if (lm_step_check(&s, &e) != LM_OK) fail_msg("%s", e.message);
  if (lm_augment(&p, &s, 1, seed, epoch, item, "test", &e) != LM_OK) fail_msg("%s", e.message);
  return p;
}

static void crops(void **state) {
  (void)state;
  lm_image p = applied((lm_step){.kind = LM_STEP_CROP, .height = 4, .width = 7}, 1, 1, 0);
  assert_int_equal(p.height, 4);
  for (int c = 0; c < C; c++)
    for (int y = 0; y < 4; y++)
      for (int x = 0; x < 7; x++) assert_true(at(&p, c, y, x) == (float)((c * H + y + 2) * W + x + 2));
  lm_image_free(&p);
  bool places[8][8] = {{false}};
  int seen = 0;
  for (int item = 0; item < 600; item++) {
    p = applied((lm_step){.kind = LM_STEP_RANDOM_CROP, .height = H, .width = W, .pad = 1, .fill = -5}, 3, 1, item);
    /* where pixel (4, 5) of the original is tells the shift, which must be the same for all */
    int dy = 9, dx = 9;
    for (int y = 3; y <= 5; y++)
      for (int x = 4; x <= 6; x++)
        if (at(&p, 0, y, x) == 4 * W + 5) {
          dy = y - 4;
          dx = x - 5;
        }
    assert_true(dy <= 1 && dx <= 1);
    for (int c = 0; c < C; c++)
      for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
          bool inside = y - dy >= 0 && y - dy < H && x - dx >= 0 && x - dx < W;
          assert_true(at(&p, c, y, x) == (inside ? (float)((c * H + y - dy) * W + x - dx) : -5));
        }
    if (!places[dy + 1][dx + 1]) seen++;
    places[dy + 1][dx + 1] = true;
    lm_image_free(&p);
  }
  assert_int_equal(seen, 9); /* all nine shifts occur */
}

static void flips(void **state) {
  (void)state;
  lm_image p = applied((lm_step){.kind = LM_STEP_FLIP, .low = 1, .high = 1}, 1, 1, 0);
  for (int c = 0; c < C; c++)
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++) assert_true(at(&p, c, y, x) == (float)((c * H + H - 1 - y) * W + W - 1 - x));
  lm_image_free(&p);
  int across = 0, down = 0;
  for (int item = 0; item < 2000; item++) {
    p = applied((lm_step){.kind = LM_STEP_FLIP, .low = 0.25, .high = 0.5}, 5, 1, item);
    int first = (int)p.data[0];
    across += first % W != 0;
    down += first / W != 0;
    lm_image_free(&p);
  }
  assert_true(across > 430 && across < 570); /* 500 and 1000, 3.6 standard deviations */
  assert_true(down > 920 && down < 1080);
}

/* A picture that is linear in x and y, a + b x + c y, sampled at mapped points is linear in the map. */
static void affine_maps(void **state) {
  (void)state;
  lm_err e;
  const double a = 3, b = 0.5, c = -0.25;
  const int n = 33;
  for (int k = 0; k < 40; k++) {
    lm_image p = {lm_alloc((size_t)n * n * sizeof(float), "test", &e), 1, n, n};
    for (int i = 0; i < n * n; i++) p.data[i] = (float)(a + b * (i % n) + c * (i / n));
    lm_step s = {.kind = LM_STEP_AFFINE,
                 .purpose = 7,
                 .rotate = 40,
                 .translate_x = 0.1,
                 .translate_y = 0.05,
                 .low = 0.8,
                 .high = 1.25,
                 .shear = 20,
                 .fill = 1000};
    assert_int_equal(lm_augment(&p, &s, 1, 9, 2, k, "test", &e), LM_OK);
    lm_key key = {9, 7, 2};
    double u[5];
    for (int j = 0; j < 5; j++) u[j] = lm_draw_uniform(key, (uint64_t)(8 * k + j));
    double angle = (80 * u[0] - 40) * 3.14159265358979323846 / 180, dx = (0.2 * u[1] - 0.1) * n;
    double dy = (0.1 * u[2] - 0.05) * n, scale = 0.8 + 0.45 * u[3];
    double shear = tan((40 * u[4] - 20) * 3.14159265358979323846 / 180), m = 0.5 * (n - 1);
    int inside = 0;
    for (int i = 0; i < n * n; i++) {
      /* the point (u, v) of the original for which rotate(scale(shear(u, v))) + shift is this one: solved as 2x2 */
      double x = i % n - m - dx, y = i / n - m - dy;
      double a11 = scale * cos(angle), a12 = scale * (cos(angle) * shear + sin(angle));
      double a21 = -scale * sin(angle), a22 = scale * (cos(angle) - sin(angle) * shear);
      double det = a11 * a22 - a12 * a21, px = (a22 * x - a12 * y) / det + m, py = (a11 * y - a21 * x) / det + m;
      if (px < 0.01 || py < 0.01 || px > n - 1.01 || py > n - 1.01) continue;
      inside++;
      if (fabs(p.data[i] - (a + b * px + c * py)) > 1e-5) fail_msg("item %d, pixel %d: %g", k, i, p.data[i]);
    }
    assert_true(inside > 200);
    lm_image_free(&p);
  }
  /* nothing is left of a picture that is moved far away: fill; and a map that changes nothing keeps every bit */
  lm_image p = applied((lm_step){.kind = LM_STEP_AFFINE, .low = 1, .high = 1}, 1, 1, 4), q = numbered();
  assert_memory_equal(p.data, q.data, C * H * W * sizeof(float));
  lm_image_free(&p);
  lm_image_free(&q);
}

static void values(void **state) {
  (void)state;
  lm_image q = numbered(), p = applied((lm_step){.kind = LM_STEP_BRIGHTNESS, .low = 2, .high = 2}, 1, 1, 0);
  for (int i = 0; i < C * H * W; i++) assert_true(p.data[i] == 2 * q.data[i]);
  lm_image_free(&p);
  p = applied((lm_step){.kind = LM_STEP_CONTRAST, .low = 0.5, .high = 0.5}, 1, 1, 0);
  double mean = (C * H * W - 1) / 2.0;
  for (int i = 0; i < C * H * W; i++) assert_true(fabs(p.data[i] - (mean + (q.data[i] - mean) / 2)) < 1e-4);
  lm_image_free(&p);
  p = applied((lm_step){.kind = LM_STEP_CLIP, .low = 10, .high = 20}, 1, 1, 0);
  for (int i = 0; i < C * H * W; i++) assert_true(p.data[i] == fminf(20, fmaxf(10, q.data[i])));
  lm_image_free(&p);
  p = applied((lm_step){.kind = LM_STEP_STANDARDISE, .channels = 2, .mean = {1, 2}, .std = {2, 4}}, 1, 1, 0);
  assert_true(at(&p, 0, 0, 3) == 1 && at(&p, 1, 0, 0) == (H * W - 2) / 4.0f);
  lm_image_free(&p);
  /* factors fill their range evenly: mean 1, standard deviation 0.4 / sqrt(12) */
  double sum = 0, squares = 0;
  for (int item = 0; item < 3000; item++) {
    p = applied((lm_step){.kind = LM_STEP_BRIGHTNESS, .low = 0.8, .high = 1.2}, 2, 1, item);
    double f = p.data[100] / 100.0;
    assert_true(f >= 0.8 - 1e-6 && f <= 1.2 + 1e-6);
    sum += f;
    squares += (f - 1) * (f - 1);
    lm_image_free(&p);
  }
  assert_true(fabs(sum / 3000 - 1) < 0.007 && fabs(sqrt(squares / 3000) - 0.11547) < 0.003);
  lm_image_free(&q);
}

static void noise(void **state) {
  (void)state;
  lm_image q = numbered();
  double sum = 0, squares = 0;
  int n = 0;
  for (int item = 0; item < 50; item++) {
    lm_image p = applied((lm_step){.kind = LM_STEP_NOISE, .low = 0.5}, 4, 1, item);
    for (int i = 0; i < C * H * W; i++, n++) {
      double z = (p.data[i] - q.data[i]) / 0.5;
      sum += z;
      squares += z * z;
    }
    lm_image_free(&p);
  }
  assert_true(fabs(sum / n) < 0.04 && fabs(squares / n - 1) < 0.06); /* 4 standard deviations */
  lm_image_free(&q);
}

/* The blur of one bright pixel is the Gaussian's product, normalised; a picture of one value stays one. */
static void blur(void **state) {
  (void)state;
  lm_err e;
  lm_image p = {lm_alloc_zero(31 * 31 * sizeof(float), "test", &e), 1, 31, 31};
  p.data[15 * 31 + 15] = 1;
  lm_step s = {.kind = LM_STEP_BLUR, .low = 1.5, .high = 1.5};
  assert_int_equal(lm_augment(&p, &s, 1, 1, 1, 0, "test", &e), LM_OK);
  double total = 0, sum = 0;
  for (int k = -5; k <= 5; k++) total += exp(-k * k / 4.5);
  for (int y = 0; y < 31; y++)
    for (int x = 0; x < 31; x++) {
      int dy = y - 15, dx = x - 15;
      bool near = abs(dy) <= 5 && abs(dx) <= 5;
      double want = near ? exp(-(dy * dy + dx * dx) / 4.5) / total / total : 0;
      if (fabs(at(&p, 0, y, x) - want) > 1e-7) fail_msg("pixel %d, %d", y, x);
      sum += at(&p, 0, y, x);
    }
  assert_true(fabs(sum - 1) < 1e-6);
  for (int i = 0; i < 31 * 31; i++) p.data[i] = 0.25f;
  assert_int_equal(lm_augment(&p, &s, 1, 1, 1, 0, "test", &e), LM_OK);
  for (int i = 0; i < 31 * 31; i++) assert_true(fabs(p.data[i] - 0.25) < 1e-7);
  lm_image_free(&p);
}

static void cutouts_of(int height, int width) {
  lm_image q = numbered();
  int most = 0;
  bool reached[H * W] = {false};
  for (int item = 0; item < 500; item++) {
    lm_image p = applied((lm_step){.kind = LM_STEP_CUTOUT, .height = height, .width = width, .fill = -1}, 8, 1, item);
    int top = H, bottom = -1, left = W, right = -1, gone = 0;
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++)
        if (at(&p, 0, y, x) == -1) {
          if (y < top) top = y;
          if (y > bottom) bottom = y;
          if (x < left) left = x;
          if (x > right) right = x;
          gone++;
          reached[y * W + x] = true;
          assert_true(at(&p, 1, y, x) == -1);
        } else
          assert_true(at(&p, 0, y, x) == at(&q, 0, y, x));
    assert_int_equal(gone, (bottom - top + 1) * (right - left + 1)); /* one rectangle */
    assert_true(bottom - top < height && right - left < width);
    if (gone > most) most = gone;
    lm_image_free(&p);
  }
  assert_int_equal(most, height * width);
  for (int i = 0; i < H * W; i++) assert_true(reached[i]);
  lm_image_free(&q);
}

static void cutouts(void **state) {
  (void)state;
  cutouts_of(3, 4);
  cutouts_of(4, 3);
  cutouts_of(2, 2);
}

/* Parts of the wanted area and ratio, made as large as asked; all of a picture where nothing is left to choose. */
static void resized_crops(void **state) {
  (void)state;
  lm_image q = numbered();
  lm_step whole = {.kind = LM_STEP_RESIZED_CROP,
                   .height = H,
                   .width = W,
                   .low = 1,
                   .high = 1,
                   .low2 = 12.0 / 9,
                   .high2 = 12.0 / 9,
                   .method = LM_RESIZE_BILINEAR};
  lm_image p = applied(whole, 1, 1, 0);
  assert_memory_equal(p.data, q.data, C * H * W * sizeof(float));
  lm_image_free(&p);
  for (int64_t item = 0; item < 200; item++) {
    lm_err e;
    p = applied(
        (lm_step){
            .kind = LM_STEP_RESIZED_CROP, .height = 5, .width = 6, .low = 0.3, .high = 0.9, .low2 = 0.5, .high2 = 2},
        1, 1, item);
    assert_true(p.height == 5 && p.width == 6);
    lm_key key = {1, lm_purpose("resized_crop"), 1};
    uint64_t k = (uint64_t)item * 64;
    int w = 0, h = 0;
    for (int attempt = 0; attempt < 10; attempt++, k += 2) {
      double area = H * W * (0.3 + 0.6 * lm_draw_uniform(key, k)),
             ratio = pow(2, 2 * lm_draw_uniform(key, k + 1) - 1);
      w = (int)round(sqrt(area * ratio));
      h = (int)round(sqrt(area / ratio));
      if (w <= W && h <= H) break;
    }
    assert_true(w <= W && h <= H);
    int top = (int)(lm_draw_uniform(key, k + 2) * (H - h + 1)),
        left = (int)(lm_draw_uniform(key, k + 3) * (W - w + 1));
    lm_tensor *part, *small;
    const int64_t shape[3] = {C, h, w};
    assert_int_equal(lm_tensor_zeros(&part, LM_F32, 3, shape, &e), LM_OK);
    for (int i = 0; i < C * h * w; i++)
      lm_tensor_set(part, i, (double)at(&q, i / (h * w), top + i / w % h, left + i % w));
    assert_int_equal(lm_resize(&small, part, 5, 6, LM_RESIZE_BOX, &e), LM_OK);
    assert_memory_equal(lm_tensor_data(small), p.data, C * 30 * sizeof(float));
    lm_tensor_release(small);
    lm_tensor_release(part);
    lm_image_free(&p);
  }
  lm_image_free(&q);
}

static bool same(const lm_image *a, const lm_image *b) {
  return a->height == b->height && a->width == b->width &&
         !memcmp(a->data, b->data, (size_t)(a->channels * a->height * a->width) * sizeof(float));
}

static void keyed(void **state) {
  (void)state;
  static const lm_step steps[] = {
      {.kind = LM_STEP_RANDOM_CROP, .height = 5, .width = 5, .pad = 3},
      {.kind = LM_STEP_AFFINE, .rotate = 90, .low = 1, .high = 1},
      {.kind = LM_STEP_NOISE, .low = 1},
      {.kind = LM_STEP_BLUR, .low = 0, .high = 2},
      {.kind = LM_STEP_CUTOUT, .height = 2, .width = 2, .fill = -3},
  };
  for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
    lm_image a = applied(steps[k], 1, 1, 5), b = applied(steps[k], 1, 1, 5), others[3];
    others[0] = applied(steps[k], 2, 1, 5);
    others[1] = applied(steps[k], 1, 2, 5);
    others[2] = applied(steps[k], 1, 1, 6);
    assert_true(same(&a, &b));
    for (int i = 0; i < 3; i++) {
      if (same(&a, &others[i])) fail_msg("%s does not vary (%d)", lm_step_name(steps[k].kind), i);
      lm_image_free(&others[i]);
    }
    lm_image_free(&a);
    lm_image_free(&b);
  }
}

static void refused(void **state) {
  (void)state;
  lm_err e;
  lm_image p = numbered();
  lm_step s = {.kind = LM_STEP_CROP, .height = 10, .width = 5};
  assert_int_equal(lm_augment(&p, &s, 1, 1, 1, 0, "a/b.png", &e), LM_ERR_SHAPE);
  assert_string_equal(e.message, "a/b.png: crop: the picture is 9x12, smaller than the 10x5 to cut out");
  s = (lm_step){.kind = LM_STEP_STANDARDISE, .channels = 3, .std = {1, 1, 1}};
  assert_int_equal(lm_augment(&p, &s, 1, 1, 1, 0, "b.png", &e), LM_ERR_SHAPE);
  assert_non_null(strstr(e.message, "3 means for a picture of 2 channels"));
  lm_image_free(&p);
  static const lm_step bad[] = {
      {.kind = LM_STEP_RESIZE, .height = 0, .width = 5},
      {.kind = LM_STEP_RESIZED_CROP, .height = 5, .width = 5, .low = 0, .high = 1, .low2 = 1, .high2 = 1},
      {.kind = LM_STEP_FLIP, .low = 1.5},
      {.kind = LM_STEP_AFFINE, .rotate = 200, .low = 1, .high = 1},
      {.kind = LM_STEP_AFFINE, .low = 0, .high = 1},
      {.kind = LM_STEP_BLUR, .low = 2, .high = 1},
      {.kind = LM_STEP_CONTRAST, .low = -1, .high = 1},
      {.kind = LM_STEP_NOISE, .low = -1},
      {.kind = LM_STEP_CLIP, .low = 1, .high = 0},
      {.kind = LM_STEP_STANDARDISE, .channels = 1, .std = {0}},
      {.kind = LM_STEP_STANDARDISE},
  };
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    assert_int_equal(lm_step_check(&bad[k], &e), LM_ERR_ARGUMENT);
    assert_true(!strncmp(e.message, lm_step_name(bad[k].kind), strlen(lm_step_name(bad[k].kind))));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(crops), leak_checked(flips),   leak_checked(affine_maps), leak_checked(values),
      leak_checked(noise), leak_checked(blur),    leak_checked(cutouts),     leak_checked(resized_crops),
      leak_checked(keyed), leak_checked(refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
