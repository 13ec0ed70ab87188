/* lua_bundle.c: what bundles are made of: signatures, archives, files for nobody else: require
 * "lamina.core.bundle". */
#include "bind.h"
#include "own.h"

#include "base/memory.h"
#include "base/sign.h"
#include "io/file.h"
#include "io/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The string of exactly `size` bytes at an index. */
static const unsigned char *bytes_at(lua_State *L, int index, size_t size, const char *what) {
  const char *text = bind_text(L, index, what);
  if (lua_rawlen(L, index) != size)
    bind_fail(L, "%s has %d bytes, expected %d", what, (int)lua_rawlen(L, index), (int)size);
  return (const unsigned char *)text;
}

static int bundle_sign_seed(lua_State *L) {
  unsigned char seed[LM_SIGN_SEED];
  lm_err err = {0};
  bind_check(L, lm_sign_seed(seed, &err), &err);
  lua_pushlstring(L, (const char *)seed, sizeof seed);
  return 1;
}

static int bundle_sign_public(lua_State *L) {
  unsigned char key[LM_SIGN_PUBLIC];
  lm_sign_public(key, bytes_at(L, 1, LM_SIGN_SEED, "sign_public: the secret"));
  lua_pushlstring(L, (const char *)key, sizeof key);
  return 1;
}

static int bundle_sign(lua_State *L) {
  unsigned char signature[LM_SIGNATURE];
  const unsigned char *seed = bytes_at(L, 1, LM_SIGN_SEED, "sign: the secret");
  const char *text = bind_text(L, 2, "sign: text");
  lm_sign(signature, seed, text, lua_rawlen(L, 2));
  lua_pushlstring(L, (const char *)signature, sizeof signature);
  return 1;
}

static int bundle_sign_check(lua_State *L) {
  const unsigned char *signature = bytes_at(L, 1, LM_SIGNATURE, "sign_check: the signature");
  const unsigned char *key = bytes_at(L, 2, LM_SIGN_PUBLIC, "sign_check: the key");
  const char *text = bind_text(L, 3, "sign_check: text");
  lua_pushboolean(L, lm_sign_check(signature, key, text, lua_rawlen(L, 3)));
  return 1;
}

/* write_new(path, text, private) */
static int bundle_write_new(lua_State *L) {
  const char *path = own_path(L, 1, "write_new"), *text = bind_text(L, 2, "write_new: text");
  size_t n = lua_rawlen(L, 2);
  bool private = !lua_isnoneornil(L, 3) && bind_bool(L, 3, "write_new: private");
  lm_err err = {0};
  lm_status status = LM_OK;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, private ? 0600 : 0666);
  if (fd < 0 && errno == EEXIST)
    status = lm_fail(&err, LM_ERR_IO, "%s: it is there already, and is not overwritten", path);
  else if (fd < 0)
    status = lm_fail(&err, LM_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
  for (size_t done = 0; status == LM_OK && done < n;) {
    ssize_t put = write(fd, text + done, n - done);
    if (put < 0 && errno != EINTR) status = lm_fail(&err, LM_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    if (put > 0) done += (size_t)put;
  }
  if (fd >= 0 && (fsync(fd) != 0 && errno != EINVAL) && status == LM_OK)
    status = lm_fail(&err, LM_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  if (fd >= 0 && status != LM_OK) unlink(path);
  bind_check(L, status, &err);
  return 0;
}

/* others_read(path): the bits of its mode where others than its owner may read or write it. */
static int bundle_others_read(lua_State *L) {
  struct stat about;
  if (stat(own_path(L, 1, "others_read"), &about) != 0 || !(about.st_mode & 077)) return 0;
  lua_pushfstring(L, "0%d%d%d", (int)(about.st_mode >> 6 & 7), (int)(about.st_mode >> 3 & 7),
                  (int)(about.st_mode & 7));
  return 1;
}

/* ---- archives ---------------------------------------------------------------------------------------------------
 */

static void drop_writer(void *address) { lm_zip_drop(*(lm_zip_writer **)address); }
static void free_pointer(void *address) { lm_free(*(void **)address); }

/* The string of a field of the entry on top of the stack, or NULL; popped, but the entry keeps it. */
static const char *field(lua_State *L, const char *name, size_t *n) {
  lua_getfield(L, -1, name);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, n) : NULL;
  lua_pop(L, 1);
  return text;
}

/* zip_write(path, list of { name =, text = } or { name =, path = }) */
static int bundle_zip_write(lua_State *L) {
  const char *path = own_path(L, 1, "zip_write");
  luaL_checktype(L, 2, LUA_TTABLE);
  lm_err err = {0};
  lm_zip_writer **writer = own_new(L, sizeof *writer, drop_writer);
  char **held = own_new(L, sizeof *held, free_pointer);
  bind_check(L, lm_zip_create(writer, path, &err), &err);
  for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
    size_t length = 0;
    lua_rawgeti(L, 2, i);
    if (!lua_istable(L, -1)) bind_fail(L, "zip_write: entry %d is no table { name =, text = }", (int)i);
    const char *name = field(L, "name", NULL), *text = field(L, "text", &length), *from = field(L, "path", NULL);
    int64_t n = (int64_t)length;
    if (!name || !(text || from)) bind_fail(L, "zip_write: entry %d needs name and text, or name and path", (int)i);
    if (!text) bind_check(L, lm_file_read(held, &n, from, 0, &err), &err);
    bind_check(L, lm_zip_add(*writer, name, text ? text : *held, n, 1, &err), &err);
    lm_free(*held);
    *held = NULL;
    lua_pop(L, 1);
  }
  lm_zip_writer *done = *writer;
  *writer = NULL;
  bind_check(L, lm_zip_commit(done, &err), &err);
  return 0;
}

/* zip_unpack(path, folder, bytes, files) */
static int bundle_zip_unpack(lua_State *L) {
  const char *path = own_path(L, 1, "zip_unpack"), *folder = own_path(L, 2, "zip_unpack");
  lm_zip_limits limits = {.bytes = bind_int(L, 3, "zip_unpack: bytes"), .files = bind_int(L, 4, "zip_unpack: files")};
  lm_err err = {0};
  bind_check(L, lm_zip_unpack(path, folder, &limits, &err), &err);
  return 0;
}

static const luaL_Reg functions[] = {
    {"sign_seed", bundle_sign_seed},   {"sign_public", bundle_sign_public}, {"sign", bundle_sign},
    {"sign_check", bundle_sign_check}, {"write_new", bundle_write_new},     {"others_read", bundle_others_read},
    {"zip_write", bundle_zip_write},   {"zip_unpack", bundle_zip_unpack},   {NULL, NULL}};

static const bind_doc docs[] = {
    {"bundle.sign_seed", "sign_seed() -> string",
     "A new secret for Ed25519 signatures (RFC 8032): 32 bytes from the system's source of randomness."},
    {"bundle.sign_public", "sign_public(secret) -> string", "The public key of a secret, 32 bytes."},
    {"bundle.sign", "sign(secret, text) -> string", "The Ed25519 signature of a text, 64 bytes."},
    {"bundle.sign_check", "sign_check(signature, key, text) -> boolean",
     "Whether the signature is that of the text by the owner of the public key."},
    {"bundle.write_new", "write_new(path, text[, private])",
     "Writes a file that must not be there yet; private = true: that its owner alone can read. Raises an 'io' error "
     "where it is there, and overwrites nothing."},
    {"bundle.others_read", "others_read(path) -> string",
     "The mode of a file, \"0644\", where others than its owner may read or write it; nil where they may not."},
    {"bundle.zip_write", "zip_write(path, list)",
     "Writes a ZIP archive, complete or not at all: of each entry { name =, text = } the text, of { name =, path = } "
     "the file; in the order given, dated 1980-01-01: equal contents give equal bytes."},
    {"bundle.zip_unpack", "zip_unpack(path, folder, bytes, files)",
     "Unpacks an archive into an empty folder. Raises a 'format' error, before anything is written, for names that "
     "lead out of the folder or stand twice, links, members that overlap, and more bytes or files in all than "
     "given."},
    {NULL, NULL, NULL}};

int bind_open_bundle(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
