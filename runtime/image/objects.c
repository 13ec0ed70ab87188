/* objects.c: eight shapes under changes of position, size, rotation and contrast.
 *
 * A shape is its signed distance d (negative inside) in units of its radius; a pixel's coverage is 1/2 - d in pixels,
 * clipped to [0, 1], which smooths edges over one pixel. Distances of boxes, polygons and discs are exact; that of
 * the ellipse is to first order. */
#include "image/image.h"

#include "base/parallel.h"
#include "base/scalar.h"

#include <math.h>

static const double radian = 0x1.1df46a2529d39p-6; /* pi / 180 */
static const double turn = 0x1.921fb54442d18p+2;   /* 2 pi */

static const char *const names[LM_OBJECT_CLASSES] = {"disc",  "ring", "square", "triangle",
                                                     "cross", "star", "bars",   "ellipse"};

const char *lm_object_name(int kind) { return kind >= 0 && kind < LM_OBJECT_CLASSES ? names[kind] : ""; }

static double at_most(double a, double b) { return a < b ? a : b; }
static double at_least(double a, double b) { return a > b ? a : b; }

static double box(double x, double y, double half_x, double half_y) {
  double dx = fabs(x) - half_x, dy = fabs(y) - half_y;
  double ox = at_least(dx, 0.0), oy = at_least(dy, 0.0);
  return sqrt(ox * ox + oy * oy) + at_most(at_least(dx, dy), 0.0);
}

/* Corners anti-clockwise or clockwise; the sign by the even-odd rule. */
static double polygon(double x, double y, int n, const double corner[][2]) {
  double nearest = INFINITY;
  bool inside = false;
  for (int i = 0, j = n - 1; i < n; j = i++) {
    double ex = corner[j][0] - corner[i][0], ey = corner[j][1] - corner[i][1];
    double wx = x - corner[i][0], wy = y - corner[i][1];
    double along = at_least(0.0, at_most(1.0, (wx * ex + wy * ey) / (ex * ex + ey * ey)));
    double bx = wx - ex * along, by = wy - ey * along;
    nearest = at_most(nearest, bx * bx + by * by);
    bool above_i = corner[i][1] > y, above_j = corner[j][1] > y;
    if (above_i != above_j && x < ex * (y - corner[i][1]) / ey + corner[i][0]) inside = !inside;
  }
  return inside ? -sqrt(nearest) : sqrt(nearest);
}

/* corners at 90 + 120 i degrees, radius 1.2 */
static const double triangle_corner[3][2] = {{0.0, 1.2}, {-1.0392304845413265, -0.6}, {1.0392304845413265, -0.6}};

/* corners at 90 + 36 i degrees, radius 1.15 and 0.55 by turns */
static const double star_corner[10][2] = {
    {0.0, 1.15},
    {-0.32328188876086017, 0.44495934690622113},
    {-1.0937149937394264, 0.3553695435311896},
    {-0.5230810839623345, -0.16995934690622103},
    {-0.6759530401363442, -0.9303695435311894},
    {0.0, -0.55},
    {0.6759530401363438, -0.9303695435311896},
    {0.5230810839623344, -0.1699593469062212},
    {1.0937149937394266, 0.3553695435311892},
    {0.3232818887608604, 0.444959346906221},
};

static double distance(int kind, double x, double y) {
  double r = sqrt(x * x + y * y);
  switch (kind) {
  case 0:
    return r - 0.8;
  case 1:
    return fabs(r - 0.75) - 0.2;
  case 2:
    return box(x, y, 0.7, 0.7);
  case 3:
    return polygon(x, y, 3, triangle_corner);
  case 4:
    return at_most(box(x, y, 1.0, 0.3), box(x, y, 0.3, 1.0));
  case 5:
    return polygon(x, y, 10, star_corner);
  case 6:
    return box(x, fabs(y) - 0.6, 1.0, 0.25);
  default: {
    /* the ellipse q = 1, q = sqrt((x/a)^2 + (y/b)^2): (q - 1) q / |gradient of q^2 / 2| */
    double a = x / 1.15, b = y / 0.55, q = sqrt(a * a + b * b);
    double gx = a / 1.15, gy = b / 0.55, slope = sqrt(gx * gx + gy * gy);
    return slope > 0.0 ? (q - 1.0) * q / slope : -0.55;
  }
  }
}

typedef struct job {
  const lm_object_spec *s;
  uint32_t latent_purpose, noise_purpose, class_purpose;
  float *images;
  int64_t *labels;
  double *latent;
} job;

static double between(const double range[2], double u) { return range[0] + (range[1] - range[0]) * u; }

/* The class of an item: its place in the keyed order of the run of n_classes items that it stands in. */
static int item_class(const job *k, int64_t item) {
  int64_t order[LM_OBJECT_CLASSES];
  lm_key key = {k->s->seed, k->class_purpose, (uint32_t)(item / k->s->n_classes)};
  lm_permutation(key, k->s->n_classes, order);
  return (int)order[item % k->s->n_classes];
}

static void draw_latent(const job *k, int64_t item, double *latent) {
  lm_key key = {k->s->seed, k->latent_purpose, (uint32_t)item};
  latent[LM_OBJECT_X] = (2.0 * lm_draw_uniform(key, 0) - 1.0) * k->s->position;
  latent[LM_OBJECT_Y] = (2.0 * lm_draw_uniform(key, 1) - 1.0) * k->s->position;
  latent[LM_OBJECT_SCALE] = between(k->s->scale, lm_draw_uniform(key, 2));
  latent[LM_OBJECT_ROTATION] = between(k->s->rotation, lm_draw_uniform(key, 3));
  double contrast = between(k->s->contrast, lm_draw_uniform(key, 4));
  bool dark = k->s->both && lm_draw_uniform(key, 5) < 0.5;
  latent[LM_OBJECT_CONTRAST] = dark ? -contrast : contrast;
}

static void add_noise(const job *k, int64_t item, float *image) {
  lm_key key = {k->s->seed, k->noise_purpose, (uint32_t)item};
  int64_t n = k->s->size * k->s->size;
  for (int64_t i = 0; i < n; i += 2) {
    uint32_t w[4];
    lm_draw(key, (uint64_t)(i / 2), w); /* Box & Muller 1958 */
    double radius = k->s->noise * sqrt(-2.0 * lm_log(((double)w[0] + 1.0) * 0x1p-32));
    double angle = turn * ((double)w[1] * 0x1p-32);
    image[i] += (float)(radius * lm_cos(angle));
    if (i + 1 < n) image[i + 1] += (float)(radius * lm_sin(angle));
  }
}

static void draw_items(void *context, int worker, int64_t begin, int64_t end) {
  (void)worker;
  job *k = context;
  int64_t size = k->s->size;
  for (int64_t item = begin; item < end; item++) {
    double *latent = k->latent + item * LM_OBJECT_FIELDS;
    float *image = k->images + item * size * size;
    int label = item_class(k, item), kind = k->s->classes[label];
    draw_latent(k, item, latent);
    k->labels[item] = label + 1;
    double radius = 0.5 * latent[LM_OBJECT_SCALE] * (double)size;
    double sin_a = lm_sin(latent[LM_OBJECT_ROTATION] * radian), cos_a = lm_cos(latent[LM_OBJECT_ROTATION] * radian);
    for (int64_t i = 0; i < size * size; i++) {
      double x = (double)(i % size) + 0.5 - (0.5 + latent[LM_OBJECT_X]) * (double)size;
      double y = (double)(i / size) + 0.5 - (0.5 + latent[LM_OBJECT_Y]) * (double)size;
      double u = (x * cos_a - y * sin_a) / radius, v = -(x * sin_a + y * cos_a) / radius; /* v up */
      double cover = at_least(0.0, at_most(1.0, 0.5 - radius * distance(kind, u, v)));
      image[i] = (float)(0.5 + 0.5 * latent[LM_OBJECT_CONTRAST] * cover);
    }
    if (k->s->noise > 0.0) add_noise(k, item, image);
    for (int64_t i = 0; i < size * size; i++) image[i] = image[i] < 0.0f ? 0.0f : image[i] > 1.0f ? 1.0f : image[i];
  }
}

static lm_status check(const lm_object_spec *s, lm_err *e) {
  if (s->n < 1 || s->n > INT32_MAX)
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: n is %lld, expected 1 to 2147483647", (long long)s->n);
  if (s->size < 4 || s->size > 4096)
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: size %lld, expected 4 to 4096 pixels", (long long)s->size);
  if (s->n_classes < 1 || s->n_classes > LM_OBJECT_CLASSES)
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: %d classes, expected 1 to %d", s->n_classes, LM_OBJECT_CLASSES);
  if (!(s->position >= 0.0 && s->position <= 0.5))
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: position %g, expected 0 to 0.5 of the image", s->position);
  if (!(s->scale[0] > 0.0 && s->scale[1] >= s->scale[0] && s->scale[1] <= 2.0))
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: scale {%g, %g}, expected {low, high} with 0 < low <= high <= 2",
                   s->scale[0], s->scale[1]);
  if (!(s->contrast[0] >= 0.0 && s->contrast[1] >= s->contrast[0] && s->contrast[1] <= 1.0))
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: contrast {%g, %g}, expected {low, high} with 0 <= low <= high <= 1",
                   s->contrast[0], s->contrast[1]);
  if (!(s->rotation[1] >= s->rotation[0] && isfinite(s->rotation[1] - s->rotation[0])))
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: rotation {%g, %g}, expected {low, high} in degrees", s->rotation[0],
                   s->rotation[1]);
  if (!(s->noise >= 0.0 && s->noise <= 1.0))
    return lm_fail(e, LM_ERR_ARGUMENT, "objects: noise %g, expected 0 to 1", s->noise);
  return LM_OK;
}

lm_status lm_objects(lm_tensor **images, lm_tensor **labels, lm_tensor **latent, const lm_object_spec *spec,
                     lm_err *e) {
  *images = *labels = *latent = NULL;
  lm_status status = check(spec, e);
  if (status != LM_OK) return status;
  int64_t shape[4] = {spec->n, 1, spec->size, spec->size}, table[2] = {spec->n, LM_OBJECT_FIELDS};
  lm_tensor *x = NULL, *y = NULL, *z = NULL;
  status = lm_tensor_new(&x, LM_F32, 4, shape, e);
  if (status == LM_OK) status = lm_tensor_new(&y, LM_I64, 1, shape, e);
  if (status == LM_OK) status = lm_tensor_new(&z, LM_F64, 2, table, e);
  if (status == LM_OK) {
    job k = {spec,
             lm_purpose("objects.latent"),
             lm_purpose("objects.noise"),
             lm_purpose("objects.class"),
             lm_tensor_data(x),
             lm_tensor_data(y),
             lm_tensor_data(z)};
    status = lm_parallel(spec->n, 4, draw_items, &k, e);
  }
  if (status != LM_OK) {
    lm_tensor_release(x);
    lm_tensor_release(y);
    lm_tensor_release(z);
    return status;
  }
  *images = x;
  *labels = y;
  *latent = z;
  return LM_OK;
}
