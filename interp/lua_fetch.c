/* lua_fetch.c: files from addresses, by the fetch module (libcurl), which is loaded when the first is asked for, and
 * their check-sums: require "lamina.core.fetch". */
#include "bind.h"
#include "modules.h"
#include "own.h"

#include "base/cpu.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "fetch/fetch.h"
#include "io/source.h"
#include "io/wall.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* The module's table, loaded once in a process; NULL with e filled where it is missing. */
static const lm_fetch_table *fetch_module(lm_err *e) {
  static const lm_fetch_table *table;
  char path[MODULES_PATH];
  if (table) return table;
  if (!modules_find("fetch.so", path)) {
    lm_fail(e, LM_ERR_MISSING,
            "downloads need the fetch module (libcurl), which this build lacks: install "
            "libcurl4-openssl-dev and build again (looked for '%s')",
            path);
    return NULL;
  }
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  lm_cpu_float_state(); /* a library's start-up code must not leave flush-to-zero on */
  const lm_fetch_table *found = module ? dlsym(module, "lm_fetch_api") : NULL;
  if (!found || found->version != LM_FETCH_VERSION) {
    lm_fail(e, LM_ERR_MISSING, "the fetch module '%s' cannot be used: %s", path,
            module ? "it belongs to another version of Lamina" : dlerror());
    return NULL;
  }
  return table = found;
}

/* What the callback of a transfer needs: a function at index 2 of L, or none. */
typedef struct watch {
  lua_State *L;
  bool calls, raised;
} watch;

static bool on_progress(void *context, int64_t done, int64_t total) {
  watch *w = context;
  if (lm_interrupted()) return false;
  if (!w->calls) return true;
  lua_pushvalue(w->L, 2);
  lua_pushinteger(w->L, done);
  lua_pushinteger(w->L, total);
  w->raised = lua_pcall(w->L, 2, 0, 0) != LUA_OK; /* the error stays on the stack */
  return !w->raised;
}

static void close_file(void *address) {
  FILE **file = address;
  if (*file) fclose(*file);
}

/* get({ url =, path =, from =, limit =, stall = } [, progress]) -> { status =, written =, from_start =, error = } */
static int fetch_get(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  lm_err err = {0};
  const lm_fetch_table *table = fetch_module(&err);
  bind_check(L, table ? LM_OK : LM_ERR_MISSING, &err);
  lua_getfield(L, 1, "url");
  lua_getfield(L, 1, "path");
  lua_getfield(L, 1, "from");
  lua_getfield(L, 1, "limit");
  lua_getfield(L, 1, "stall");
  const char *path = own_path(L, 4, "get");
  lm_fetch_request request = {.url = bind_text(L, 3, "get: url"),
                              .from = bind_int(L, 5, "get: from"),
                              .limit = bind_int(L, 6, "get: limit"),
                              .stall = (int)bind_int(L, 7, "get: stall")};
  bind_check(L, lm_wall_check(path, true, &err), &err);
  FILE **file = own_new(L, sizeof *file, close_file);
  *file = fopen(path, request.from > 0 ? "r+b" : "wb");
  if (!*file || fseeko(*file, request.from, SEEK_SET) != 0)
    bind_check(L, lm_fail(&err, LM_ERR_IO, "%s: cannot write: %s", path, strerror(errno)), &err);
  watch w = {.L = L, .calls = lua_isfunction(L, 2)};
  request.to = *file;
  request.progress = on_progress;
  request.context = &w;
  lm_fetch_result result;
  table->get(&request, &result);
  if (w.raised) return lua_error(L);
  if (result.stopped) bind_check(L, lm_fail(&err, LM_ERR_INTERRUPT, "interrupted"), &err);
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, result.status);
  lua_setfield(L, -2, "status");
  lua_pushinteger(L, result.written);
  lua_setfield(L, -2, "written");
  lua_pushboolean(L, result.from_start);
  lua_setfield(L, -2, "from_start");
  if (result.text[0]) {
    lua_pushstring(L, result.text);
    lua_setfield(L, -2, "error");
  }
  return 1;
}

static void close_gz(void *address) {
  lm_source *s = address;
  if (s->read) lm_source_close_gz(s);
}

/* unpacked(path, size) -> the SHA-256 of what a gzip file holds */
static int fetch_unpacked(lua_State *L) {
  const char *path = own_path(L, 1, "unpacked");
  int64_t left = bind_int(L, 2, "unpacked: size");
  lm_source *s = own_new(L, sizeof *s, close_gz);
  char *piece = lua_newuserdatauv(L, 1 << 16, 0), hex[LM_SHA256_HEX];
  lm_err err = {0};
  lm_sha256 h;
  bind_check(L, lm_source_open_gz(s, path, &err), &err);
  lm_sha256_start(&h);
  for (; left > 0;) {
    const int64_t n = left < 1 << 16 ? left : 1 << 16;
    bind_check(L, lm_source_read(s, piece, n, "the file", &err), &err);
    lm_sha256_add(&h, piece, (size_t)n);
    left -= n;
  }
  bind_check(L, lm_source_end_gz(s, &err), &err);
  lm_sha256_hex(&h, hex);
  lua_pushstring(L, hex);
  return 1;
}

static const luaL_Reg functions[] = {{"get", fetch_get}, {"unpacked", fetch_unpacked}, {NULL, NULL}};

static const bind_doc docs[] = {
    {"fetch.get", "lamina.core.fetch.get({ url =, path =, from =, limit =, stall = } [, progress]) -> table",
     "Writes what an address (http or https) gives to a file, behind the first `from` bytes that it has; at most "
     "`limit` bytes in all; gives up after `stall` seconds without one. progress(done, total) is called meanwhile. "
     "Returns status (of HTTP), written, from_start (the server sent the whole file) and error, what went wrong."},
    {"fetch.unpacked", "lamina.core.fetch.unpacked(path, size) -> string",
     "The SHA-256 of what a file compressed by gzip (or a plain one) holds, which must be exactly `size` bytes."},
    {NULL, NULL, NULL}};

int bind_open_fetch(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
