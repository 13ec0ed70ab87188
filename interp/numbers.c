/* numbers.c: Lua's mathematics and the text of its numbers, the same everywhere.
 *
 * math.* comes from the runtime's own functions (base/scalar.h), math.random from Philox. Two functions of the C
 * library are defined here for the whole process, because Lua calls them from inside: pow, for the operator ^, and
 * snprintf, which turns numbers into text. Lua formats a float with "%.14g"; that format (and no other) here gives
 * the fewest of 15, 16 or 17 digits that read back as the same number, and NaN has no sign. */
#include "command.h"

#include "base/rng.h"
#include "base/scalar.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT double pow(double x, double y) { return lm_pow(x, y); }

/* ---- the text of numbers ------------------------------------------------------------------------------------- */

/* Whether format is one conversion of a double and nothing else: "%.14g", "%8.3f". */
static bool one_double(const char *format) {
  if (format[0] != '%') return false;
  format += 1 + strspn(format + 1, "-+ #0");
  format += strspn(format, "0123456789.");
  return *format && strchr("aAeEfFgG", *format) && !format[1];
}

static int call_vsnprintf(char *out, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(out, size, format, arguments);
  va_end(arguments);
  return n;
}

static int print_double(char *out, size_t size, const char *format, double x) {
  char text[40];
  if (isnan(x)) return call_vsnprintf(out, size, format, fabs(x));
  if (strcmp(format, "%.14g") != 0) return call_vsnprintf(out, size, format, x);
  for (int digits = 15; digits <= 17; digits++) {
    call_vsnprintf(text, sizeof text, "%.*g", digits, x);
    if (strtod(text, NULL) == x) break;
  }
  return call_vsnprintf(out, size, "%s", text);
}

static int print_any(char *out, size_t size, const char *format, va_list arguments) {
  if (one_double(format)) return print_double(out, size, format, va_arg(arguments, double));
  return vsnprintf(out, size, format, arguments);
}

EXPORT int snprintf(char *restrict out, size_t size, const char *restrict format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int n = print_any(out, size, format, arguments);
  va_end(arguments);
  return n;
}

/* The same under the name that glibc's fortified headers call: `flag` and the buffer's `room` are its checks. */
EXPORT int __snprintf_chk(char *restrict out, size_t size, int flag, size_t room, const char *restrict format, ...);
EXPORT int __snprintf_chk(char *restrict out, size_t size, int flag, size_t room, const char *restrict format, ...) {
  va_list arguments;
  (void)flag;
  va_start(arguments, format);
  int n = print_any(out, size < room ? size : room, format, arguments);
  va_end(arguments);
  return n;
}

/* ---- math.* -------------------------------------------------------------------------------------------------- */

#define UNARY(name)                                                                                                  \
  static int math_##name(lua_State *L) {                                                                             \
    lua_pushnumber(L, lm_##name(luaL_checknumber(L, 1)));                                                            \
    return 1;                                                                                                        \
  }
UNARY(exp)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(asin)
UNARY(acos)
UNARY(tanh)
UNARY(log10)

/* math.atan(y[, x]): the angle of (x, y), in radians. */
static int math_atan(lua_State *L) {
  lua_pushnumber(L, lm_atan2(luaL_checknumber(L, 1), luaL_optnumber(L, 2, 1)));
  return 1;
}

/* math.log(x[, base]): natural without a base; 2 and 10 are exact for their powers. */
static int math_log(lua_State *L) {
  double x = luaL_checknumber(L, 1);
  if (lua_isnoneornil(L, 2)) {
    lua_pushnumber(L, lm_log(x));
    return 1;
  }
  double base = luaL_checknumber(L, 2);
  lua_pushnumber(L, base == 2 ? lm_log2(x) : base == 10 ? lm_log10(x) : lm_log(x) / lm_log(base));
  return 1;
}

/* ---- math.random --------------------------------------------------------------------------------------------- */

static uint64_t random_seed, random_count; /* the next draw is element random_count of the seed's stream */

static void numbers_seed(uint64_t seed) {
  random_seed = seed;
  random_count = 0;
}

void numbers_mark(uint64_t mark[2]) {
  mark[0] = random_seed;
  mark[1] = random_count;
}

void numbers_return(const uint64_t mark[2]) {
  random_seed = mark[0];
  random_count = mark[1];
}

static lm_key random_key(void) {
  lm_key key = {.seed = random_seed, .purpose = lm_purpose("math.random"), .step = 0};
  return key;
}

/* A whole number in [low, high], exactly uniform: draws above the last full multiple of the range are thrown away. */
static lua_Integer random_between(lua_Integer low, lua_Integer high) {
  uint64_t range = (uint64_t)high - (uint64_t)low, draw;
  if (range == UINT64_MAX) return (lua_Integer)lm_draw_u64(random_key(), random_count++);
  uint64_t count = range + 1, tail = (UINT64_MAX % count + 1) % count; /* 2^64 mod count */
  do draw = lm_draw_u64(random_key(), random_count++);
  while (tail && draw > UINT64_MAX - tail);
  return (lua_Integer)((uint64_t)low + draw % count);
}

/* math.random(): in [0, 1); (n): 1..n; (m, n): m..n; (0): 64 random bits. */
static int math_random(lua_State *L) {
  lua_Integer low = 1, high;
  switch (lua_gettop(L)) {
  case 0:
    lua_pushnumber(L, lm_draw_uniform(random_key(), random_count++));
    return 1;
  case 1:
    high = luaL_checkinteger(L, 1);
    if (high == 0) low = INT64_MIN, high = INT64_MAX;
    break;
  case 2:
    low = luaL_checkinteger(L, 1);
    high = luaL_checkinteger(L, 2);
    break;
  default:
    return luaL_error(L, "math.random takes at most two numbers");
  }
  if (low > high) return luaL_error(L, "math.random: the interval from %I to %I is empty", low, high);
  lua_pushinteger(L, random_between(low, high));
  return 1;
}

/* A number as 64 bits: whole numbers as they are, others rounded down. */
static uint64_t seed_bits(lua_State *L, int index) {
  double value = luaL_checknumber(L, index);
  if (lua_isinteger(L, index)) return (uint64_t)lua_tointeger(L, index);
  luaL_argcheck(L, isfinite(value), index, "a seed is a finite number");
  return (uint64_t)(int64_t)floor(fmod(value, 0x1p62));
}

/* math.randomseed(n[, m]): starts the stream of that seed; of both where there are two. Without n it would not be
 * repeatable, and raises. */
static int math_randomseed(lua_State *L) {
  if (lua_isnoneornil(L, 1))
    return luaL_error(L, "math.randomseed needs a number: a seed from the clock cannot be repeated");
  uint64_t seed = seed_bits(L, 1);
  if (!lua_isnoneornil(L, 2)) seed += seed_bits(L, 2) * 0x9e3779b97f4a7c15u; /* 0 changes nothing, as in stock Lua */
  numbers_seed(seed);
  return 0;
}

/* os.setlocale(): the locale is "C" and stays so; asking is allowed. */
static int os_setlocale(lua_State *L) {
  const char *name = luaL_optstring(L, 1, NULL);
  if (name && strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0 && *name) {
    lua_pushnil(L);
  } else {
    lua_pushliteral(L, "C");
  }
  return 1;
}

void numbers_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"exp", math_exp},   {"sin", math_sin},       {"cos", math_cos},
                                       {"tan", math_tan},   {"asin", math_asin},     {"acos", math_acos},
                                       {"tanh", math_tanh}, {"log10", math_log10},   {"atan", math_atan},
                                       {"log", math_log},   {"random", math_random}, {"randomseed", math_randomseed},
                                       {NULL, NULL}};
  static const char *const removed[] = {"sinh",  "cosh",  "pow",
                                        "ldexp", "frexp", NULL}; /* of Lua 5.1; some builds have them */
  lua_getglobal(L, "math");
  luaL_setfuncs(L, functions, 0);
  for (int i = 0; removed[i]; i++) {
    lua_pushnil(L);
    lua_setfield(L, -2, removed[i]);
  }
  lua_getglobal(L, "os");
  lua_pushcfunction(L, os_setlocale);
  lua_setfield(L, -2, "setlocale");
  lua_pop(L, 2);
}
