/* lua_image.c: stimulus rendering for scripts: require "lamina.core.image". */
#include "bind.h"

#include "image/image.h"

#include <string.h>

/* gratings(size, params n x 8) -> n x 1 x size x size. */
static int image_gratings(lua_State *L) {
  int64_t size = bind_int(L, 1, "gratings: size");
  lm_tensor *params = bind_tensor(L, 2, "gratings: params");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_gratings(out, size, params, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* gabors(size, params n x 7) -> n x 1 x size x size, zero sum and unit norm each. */
static int image_gabors(lua_State *L) {
  int64_t size = bind_int(L, 1, "gabors: size");
  lm_tensor *params = bind_tensor(L, 2, "gabors: params");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_gabor_filters(out, size, params, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* The option `name`, a number or {low, high}, into range. */
static void read_range(lua_State *L, const char *name, double range[2]) {
  if (!bind_option(L, 1, name)) bind_fail(L, "objects: option '%s' must be given", name);
  if (lua_istable(L, -1)) {
    lua_geti(L, -1, 1);
    lua_geti(L, -2, 2);
    range[0] = bind_real(L, -2, name);
    range[1] = bind_real(L, -1, name);
    lua_pop(L, 2);
  } else {
    range[0] = range[1] = bind_real(L, -1, name);
  }
  lua_pop(L, 1);
}

static double read_real(lua_State *L, const char *name) {
  if (!bind_option(L, 1, name)) bind_fail(L, "objects: option '%s' must be given", name);
  double value = bind_real(L, -1, name);
  lua_pop(L, 1);
  return value;
}

static int64_t read_int(lua_State *L, const char *name) {
  if (!bind_option(L, 1, name)) bind_fail(L, "objects: option '%s' must be given", name);
  int64_t value = bind_int(L, -1, name);
  lua_pop(L, 1);
  return value;
}

/* The list of shape names in option `classes`. */
static void read_classes(lua_State *L, lm_object_spec *spec) {
  if (!bind_option(L, 1, "classes") || !lua_istable(L, -1)) bind_fail(L, "objects: classes must be a list of names");
  lua_Integer n = luaL_len(L, -1);
  if (n < 1 || n > LM_OBJECT_CLASSES)
    bind_fail(L, "objects: %d classes, expected 1 to %d", (int)n, (int)LM_OBJECT_CLASSES);
  spec->n_classes = (int)n;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_geti(L, -1, i);
    const char *name = bind_text(L, -1, "objects: class");
    int kind = 0;
    while (kind < LM_OBJECT_CLASSES && strcmp(name, lm_object_name(kind)) != 0) kind++;
    if (kind == LM_OBJECT_CLASSES) bind_fail(L, "objects: unknown class '%s'", name);
    spec->classes[i - 1] = kind;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* objects { n =, size =, classes = {names}, position =, scale =, rotation =, contrast =, both =, noise =, seed = }
 * -> images, labels, latent. */
static int image_objects(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  bind_known_options(L, 1, "objects", "n size classes position scale rotation contrast both noise seed");
  lm_object_spec spec = {.n = read_int(L, "n"),
                         .size = read_int(L, "size"),
                         .position = read_real(L, "position"),
                         .noise = read_real(L, "noise"),
                         .seed = (uint64_t)read_int(L, "seed")};
  read_classes(L, &spec);
  read_range(L, "scale", spec.scale);
  read_range(L, "rotation", spec.rotation);
  read_range(L, "contrast", spec.contrast);
  if (bind_option(L, 1, "both")) {
    spec.both = bind_bool(L, -1, "objects: both");
    lua_pop(L, 1);
  }
  lm_tensor **images = bind_new_tensor(L), **labels = bind_new_tensor(L), **latent = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_objects(images, labels, latent, &spec, &err), &err);
  bind_account(L, *images);
  return 3;
}

/* object_names() -> the list of shapes. */
static int image_object_names(lua_State *L) {
  lua_createtable(L, LM_OBJECT_CLASSES, 0);
  for (int kind = 0; kind < LM_OBJECT_CLASSES; kind++) {
    lua_pushstring(L, lm_object_name(kind));
    lua_seti(L, -2, kind + 1);
  }
  return 1;
}

/* resize(x, height, width [, "box" | "bilinear"]) -> images. */
static int image_resize(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "resize: x");
  int64_t height = bind_int(L, 2, "resize: height"), width = bind_int(L, 3, "resize: width");
  static const char *const methods[] = {"box", "bilinear", NULL};
  int method = luaL_checkoption(L, 4, "box", methods);
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_resize(out, x, height, width, (lm_resize_method)method, &err), &err);
  bind_account(L, *out);
  return 1;
}

/* level_moments(x) -> mean, std */
static int image_level_moments(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "level_moments: x");
  double mean = 0, std = 0;
  lm_err err = {0};
  bind_check(L, lm_level_moments(x, &mean, &std, &err), &err);
  lua_pushnumber(L, mean);
  lua_pushnumber(L, std);
  return 2;
}

/* level_standardise(x, mean, std) -> images */
static int image_level_standardise(lua_State *L) {
  lm_tensor *x = bind_tensor(L, 1, "level_standardise: x");
  double mean = bind_real(L, 2, "level_standardise: mean"), std = bind_real(L, 3, "level_standardise: std");
  lm_tensor **out = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_level_standardise(out, x, mean, std, &err), &err);
  bind_account(L, *out);
  return 1;
}

static const bind_doc docs[] = {
    {"image.gratings", "gratings(size, params) -> images",
     "Gratings and Gabor patches, n x 1 x size x size, from n x 8 parameters: orientation, frequency, phase, "
     "contrast, mean, sigma, x, y. See stimuli.gratings."},
    {"image.gabors", "gabors(size, params) -> filters",
     "Gabor filters of sum 0 and norm 1, n x 1 x size x size, from n x 7 parameters: orientation, wavelength, "
     "phase, sigma, gamma, x, y. See stimuli.gabors."},
    {"image.objects",
     "objects { n =, size =, classes =, position =, scale =, rotation =, contrast =, both =, noise =, seed = } "
     "-> images, labels, latent",
     "One object per image; see stimuli.objects. All options must be given."},
    {"image.object_names", "object_names() -> list of strings", "The shapes that objects can draw."},
    {"image.resize", "resize(x, height, width[, method]) -> images",
     "The last two axes made height x width: 'box' (means over areas, the default) or 'bilinear'."},
    {"image.level_moments", "level_moments(x) -> mean, std",
     "Mean and standard deviation of all pixels of a contiguous uint8 tensor, from whole sums."},
    {"image.level_standardise", "level_standardise(x, mean, std) -> images",
     "(x - mean) * (1 / std) as float32, of contiguous uint8 pictures ... x H x W as ... x 1 x H x W."},
    {NULL, NULL, NULL}};

int bind_open_image(lua_State *L) {
  static const luaL_Reg functions[] = {{"gratings", image_gratings},
                                       {"gabors", image_gabors},
                                       {"objects", image_objects},
                                       {"object_names", image_object_names},
                                       {"resize", image_resize},
                                       {"level_moments", image_level_moments},
                                       {"level_standardise", image_level_standardise},
                                       {NULL, NULL}};
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
