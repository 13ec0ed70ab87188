/* own.c: runtime memory under a userdata. */
#include "own.h"

#include "bind.h"

#include "io/wall.h"

#include <stdio.h>
#include <string.h>

typedef struct box {
  void (*done)(void *);
  size_t bytes;
  _Alignas(8) char held[]; /* Lua aligns no further */
} box;

static int own_gc(lua_State *L) {
  own_free(L, 1);
  return 0;
}

void *own_new(lua_State *L, size_t bytes, void (*done)(void *)) {
  box *b = lua_newuserdatauv(L, sizeof *b + bytes, 0);
  b->done = done;
  b->bytes = bytes;
  memset(b->held, 0, bytes);
  if (luaL_newmetatable(L, "lamina.own")) {
    lua_pushcfunction(L, own_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return b->held;
}

void own_free(lua_State *L, int index) {
  box *b = lua_touserdata(L, index);
  b->done(b->held);
  memset(b->held, 0, b->bytes);
}

const char *own_path_unasked(lua_State *L, int index, const char *what) {
  char name[64];
  snprintf(name, sizeof name, "%s: path", what);
  const char *path = bind_text(L, index, name);
  if (!*path) bind_fail(L, "%s: the path is empty", what);
  if (strlen(path) != lua_rawlen(L, index)) bind_fail(L, "%s: the path holds a 0 byte", what);
  return path;
}

const char *own_path(lua_State *L, int index, const char *what) {
  const char *path = own_path_unasked(L, index, what);
  lm_err err = {0};
  bind_check(L, lm_wall_check(path, false, &err), &err);
  return path;
}
