/* refuse.c: the system's allocator with refusals, for the tests of full memory (tests/interp/system_oom_spec.lua).
 *
 * Loaded before all others (LD_PRELOAD), it stands in for malloc and its kin in the whole process, so that what is
 * allocated inside Cairo, fontconfig, libjpeg, zlib, stdio or the loader of libraries can fail, too, and is counted.
 * The same file is a module of Lua, which arms it; Lua's own memory is left out, since its collector frees when it
 * likes, and has tests of its own (base.fail_allocation). A program lamina-hdf5 or lamina-figure started beneath it
 * is armed by its environment, REFUSE_CHILD="K MARKER": its K-th allocation fails, and then the file MARKER goes,
 * which tells that it was reached. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's own, under the names that stay when malloc is replaced. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static int64_t fail_at, calls, live; /* atomic; fail_at 0: none */
static const char *marker;
static _Thread_local bool in_lua; /* within Lua's own allocator, whose blocks neither fail nor count */

/* Whether this allocation is the one to be refused. */
static bool refused(void) {
  if (in_lua) return false;
  __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  if (!__atomic_load_n(&fail_at, __ATOMIC_RELAXED) || __atomic_sub_fetch(&fail_at, 1, __ATOMIC_RELAXED) != 0)
    return false;
  if (marker) unlink(marker);
  errno = ENOMEM;
  return true;
}

static void *counted(void *block) {
  if (block && !in_lua) __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
  return block;
}

EXPORT void *malloc(size_t size) { return refused() ? NULL : counted(__libc_malloc(size)); }

EXPORT void *calloc(size_t count, size_t size) { return refused() ? NULL : counted(__libc_calloc(count, size)); }

EXPORT void *realloc(void *block, size_t size) {
  if (size > 0 && refused()) return NULL;
  void *moved = __libc_realloc(block, size);
  if (!block) return counted(moved);
  if (size == 0 && !in_lua) __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
  return moved;
}

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  return realloc(block, bytes);
}

EXPORT void *memalign(size_t alignment, size_t size) {
  return refused() ? NULL : counted(__libc_memalign(alignment, size));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
  void *block = memalign(alignment, size);
  if (block) *out = block;
  return block ? 0 : ENOMEM;
}

EXPORT void free(void *block) {
  int before = errno;
  if (block && !in_lua) __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
  __libc_free(block);
  errno = before;
}

__attribute__((constructor)) static void arm_child(void) {
  const char *order = getenv("REFUSE_CHILD");
  if (!order || !*order || strncmp(program_invocation_short_name, "lamina-", 7) != 0) return;
  char *end;
  int64_t n = strtoll(order, &end, 10);
  marker = end + 1;
  __atomic_store_n(&fail_at, n, __ATOMIC_RELAXED);
}

/* ---- the module of Lua ------------------------------------------------------------------------------------------
 */

static lua_Alloc lua_allocator;

static void *allocate(void *context, void *block, size_t old, size_t size) {
  in_lua = true;
  void *moved = lua_allocator(context, block, old, size);
  in_lua = false;
  return moved;
}

/* at(k): the k-th allocation from now fails; 0: none. Gives the number of allocations since the last call. */
static int refuse_at(lua_State *L) {
  __atomic_store_n(&fail_at, (int64_t)luaL_checkinteger(L, 1), __ATOMIC_RELAXED);
  lua_pushinteger(L, __atomic_exchange_n(&calls, 0, __ATOMIC_RELAXED));
  return 1;
}

/* live(): the blocks that are not freed. */
static int refuse_live(lua_State *L) {
  lua_pushinteger(L, __atomic_load_n(&live, __ATOMIC_RELAXED));
  return 1;
}

/* child(text): sets REFUSE_CHILD; "" arms nobody. In place, since setenv never gives back what it took. */
static int refuse_child(lua_State *L) {
  static char order[256] = "REFUSE_CHILD=";
  const size_t head = strlen("REFUSE_CHILD=");
  snprintf(order + head, sizeof order - head, "%s", luaL_checkstring(L, 1));
  putenv(order);
  return 0;
}

/* What f returned, or its error, goes into the pipe; the process ends without any clean-up. */
static void be_child(lua_State *L, int out) {
  bool good = lua_pcall(L, 0, 1, 0) == LUA_OK;
  size_t n;
  const char *text = luaL_tolstring(L, -1, &n);
  bool whole = write(out, text, n) == (ssize_t)n;
  _exit(good && whole ? 0 : 1);
}

/* attempt(f) -> true or false, and the text of what f returned or of its error; f runs in a copy of this process. A
 * copy that dies is false and how it died. */
static int refuse_attempt(lua_State *L) {
  int ends[2], how = 0;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (pipe(ends) != 0) return luaL_error(L, "pipe: %s", strerror(errno));
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) return luaL_error(L, "fork: %s", strerror(errno));
  if (child == 0) be_child(L, ends[1]);
  close(ends[1]);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  char piece[4096];
  ssize_t n;
  while ((n = read(ends[0], piece, sizeof piece)) > 0) luaL_addlstring(&text, piece, (size_t)n);
  close(ends[0]);
  waitpid(child, &how, 0);
  if (WIFSIGNALED(how)) {
    luaL_addstring(&text, "died: ");
    luaL_addstring(&text, strsignal(WTERMSIG(how)));
  }
  luaL_pushresult(&text);
  lua_pushboolean(L, WIFEXITED(how) && WEXITSTATUS(how) == 0);
  lua_insert(L, -2);
  return 2;
}

EXPORT int luaopen_refuse(lua_State *L);
EXPORT int luaopen_refuse(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"at", refuse_at}, {"live", refuse_live}, {"child", refuse_child}, {"attempt", refuse_attempt}, {NULL, NULL}};
  void *context;
  if (!lua_allocator) {
    lua_allocator = lua_getallocf(L, &context);
    lua_setallocf(L, allocate, context);
  }
  luaL_newlib(L, functions);
  return 1;
}
