/* lua_bundle.c: what bundles are made of: signatures, archives, files for nobody else: require
 * "lamina.core.bundle". */
#include "bind.h"
#include "own.h"

#include "base/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

static const luaL_Reg functions[] = {{"sign_seed", bundle_sign_seed}, {"sign_public", bundle_sign_public},
                                     {"sign", bundle_sign},           {"sign_check", bundle_sign_check},
                                     {"write_new", bundle_write_new}, {NULL, NULL}};

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
    {NULL, NULL, NULL}};

int bind_open_bundle(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  return 1;
}
