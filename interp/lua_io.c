/* lua_io.c: files of arrays and pictures for scripts: require "lamina.core.io". CSV, JSON and MATLAB are in
 * lua_csv.c, lua_json.c and lua_mat.c. Every file that is read is remembered for results.json. */
#include "bind.h"
#include "lua_text.h"
#include "own.h"

#include "base/memory.h"
#include "io/arrays.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/idx.h"
#include "io/jpeg.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/picture.h"
#include "io/png.h"
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

static void free_array(void *address) { lm_array_free(address); }
static void free_arrays(void *address) { lm_arrays_free(address); }
static void free_notes(void *address) { lm_notes_free(address); }
static void free_pointer(void *address) { lm_free(*(void **)address); }

/* Pushes what an array holds: a tensor, or a list of strings. */
static void push_array(lua_State *L, const lm_array *array) {
  if (array->tensor) {
    lm_tensor **slot = bind_new_tensor(L);
    *slot = lm_tensor_retain(array->tensor);
    bind_account(L, *slot);
    return;
  }
  lua_newtable(L);
  for (int64_t i = 0; i < array->count; i++) {
    lua_pushlstring(L, array->texts[i].data, (size_t)array->texts[i].n);
    lua_rawseti(L, -2, i + 1);
  }
}

/* Pushes name -> what it holds. */
static void push_arrays(lua_State *L, const lm_arrays *arrays) {
  lua_newtable(L);
  for (int64_t i = 0; i < arrays->count; i++) {
    push_array(L, &arrays->items[i]);
    lua_setfield(L, -2, arrays->items[i].name);
  }
}

/* The texts of the list at an index; the characters stay Lua's, so the list must not change meanwhile. */
static lm_status list_texts(lua_State *L, int index, lm_array *array, lm_err *e) {
  int64_t n = (int64_t)lua_rawlen(L, index);
  array->texts = lm_alloc_array((size_t)n + 1, sizeof *array->texts, "list of texts", e);
  if (!array->texts) return LM_ERR_MEMORY;
  for (int64_t i = 0; i < n; i++) {
    size_t bytes;
    int type = lua_rawgeti(L, index, i + 1);
    const char *text = type == LUA_TSTRING ? lua_tolstring(L, -1, &bytes) : NULL;
    lua_pop(L, 1);
    if (!text) return lm_fail(e, LM_ERR_ARGUMENT, "entry %lld of the list is no string", (long long)i + 1);
    array->texts[i] = (lm_text){text, (int64_t)bytes};
  }
  array->count = n;
  return LM_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const lm_array *)a)->name, ((const lm_array *)b)->name);
}

/* The tensors and lists of strings of the table at an index, sorted by name, into an owned list on the stack. */
static lm_arrays *read_arrays(lua_State *L, int index, const char *what, bool texts) {
  lm_err err = {0};
  if (!lua_istable(L, index)) bind_fail(L, "%s: the arrays must be a table of tensors by name", what);
  lm_arrays *arrays = own_new(L, sizeof *arrays, free_arrays);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    lm_array array = {0};
    if (lua_type(L, -2) != LUA_TSTRING) bind_fail(L, "%s: the names must be strings", what);
    const char *name = lua_tostring(L, -2);
    if (strlen(name) != lua_rawlen(L, -2)) bind_fail(L, "%s: a name holds a 0 byte", what);
    lm_tensor *t = bind_to_tensor(L, -1);
    if (!t && !(texts && lua_istable(L, -1)))
      bind_fail(L, "%s: '%s' must be a tensor%s, not a %s", what, name, texts ? " or a list of strings" : "",
                bind_type(L, -1));
    array.tensor = lm_tensor_retain(t);
    array.name = lm_strdup(name, &err);
    lm_status status = array.name ? LM_OK : LM_ERR_MEMORY;
    if (status == LM_OK && !t) status = list_texts(L, lua_gettop(L), &array, &err);
    if (status == LM_OK)
      status = lm_arrays_add(arrays, array, &err);
    else
      lm_array_free(&array);
    if (status != LM_OK) lm_fail_in(&err, status, "%s: %s", what, name);
    bind_check(L, status, &err);
  }
  if (arrays->count) qsort(arrays->items, (size_t)arrays->count, sizeof *arrays->items, by_name);
  return arrays;
}

/* ---- arrays --------------------------------------------------------------------------------------------------- */

/* The option `map` of the table at index 2, which may be absent. */
static bool read_map(lua_State *L, const char *what) {
  char name[64];
  if (lua_isnoneornil(L, 2)) return false;
  luaL_checktype(L, 2, LUA_TTABLE);
  bind_known_options(L, 2, what, "map");
  snprintf(name, sizeof name, "%s: map", what);
  bool map = bind_option(L, 2, "map") && bind_bool(L, -1, name);
  lua_settop(L, 2);
  return map;
}

static int io_npy_read(lua_State *L) {
  const char *path = own_path(L, 1, "npy_read");
  bool map = read_map(L, "npy_read");
  lm_array *array = own_new(L, sizeof *array, free_array);
  lm_err err = {0};
  bind_check(L, map ? lm_npy_map(array, path, &err) : lm_npy_read(array, path, &err), &err);
  push_array(L, array);
  own_free(L, -2);
  return 1;
}

static int io_npy_write(lua_State *L) {
  const char *path = own_path(L, 1, "npy_write");
  lm_tensor *t = bind_tensor(L, 2, "npy_write: the array");
  lm_err err = {0};
  bind_check(L, lm_npy_write(path, t, &err), &err);
  return 0;
}

static int io_forget(lua_State *L) {
  lm_elements_forget(bind_tensor(L, 1, "forget: the tensor"));
  return 0;
}

static int io_npz_read(lua_State *L) {
  const char *path = own_path(L, 1, "npz_read");
  lm_arrays *arrays = own_new(L, sizeof *arrays, free_arrays);
  lm_err err = {0};
  bind_check(L, lm_npz_read(arrays, path, &err), &err);
  push_arrays(L, arrays);
  own_free(L, -2);
  return 1;
}

static int io_npz_write(lua_State *L) {
  const char *path = own_path(L, 1, "npz_write");
  bool compress = false;
  lm_err err = {0};
  if (!lua_isnoneornil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    bind_known_options(L, 3, "npz_write", "compress");
    if (bind_option(L, 3, "compress")) compress = bind_bool(L, -1, "npz_write: compress");
  }
  lm_arrays *arrays = read_arrays(L, 2, "npz_write", true);
  bind_check(L, lm_npz_write(path, arrays, compress, &err), &err);
  own_free(L, -1);
  return 0;
}

static int io_idx_read(lua_State *L) {
  const char *path = own_path(L, 1, "idx_read");
  bool map = read_map(L, "idx_read");
  lm_tensor **t = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, map ? lm_idx_map(t, path, &err) : lm_idx_read(t, path, &err), &err);
  bind_account(L, *t);
  return 1;
}

enum { IDX_FILES = 16 };

/* idx_read_all(list of paths) -> list of tensors, list of hashes */
static int io_idx_read_all(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  int64_t n = (int64_t)lua_rawlen(L, 1);
  if (n > IDX_FILES) bind_fail(L, "idx_read_all: %d files, at most %d are read at a time", (int)n, IDX_FILES);
  const char *paths[IDX_FILES];
  char hash[IDX_FILES][LM_SHA256_HEX];
  lm_tensor **slots[IDX_FILES], *out[IDX_FILES];
  for (int64_t i = 0; i < n; i++) { /* the texts stay the list's */
    lua_rawgeti(L, 1, i + 1);
    paths[i] = own_path(L, -1, "idx_read_all");
    lua_pop(L, 1);
  }
  lua_createtable(L, (int)n, 0);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    slots[i] = bind_new_tensor(L);
    lua_rawseti(L, 2, i + 1);
  }
  lm_err err = {0};
  lm_status status = lm_idx_read_all(out, hash, paths, n, &err);
  for (int64_t i = 0; i < n && status == LM_OK; i++) *slots[i] = out[i];
  bind_check(L, status, &err);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    bind_account(L, out[i]);
    lua_pop(L, 1);
    lua_pushstring(L, hash[i]);
    lua_rawseti(L, 3, i + 1);
  }
  return 2;
}

static int io_idx_write(lua_State *L) {
  const char *path = own_path(L, 1, "idx_write");
  lm_tensor *t = bind_tensor(L, 2, "idx_write: the array");
  lm_err err = {0};
  bind_check(L, lm_idx_write(path, t, &err), &err);
  return 0;
}

static int io_safetensors_read(lua_State *L) {
  const char *path = own_path(L, 1, "safetensors_read");
  bool map = read_map(L, "safetensors_read");
  lm_arrays *arrays = own_new(L, sizeof *arrays, free_arrays);
  lm_notes *notes = own_new(L, sizeof *notes, free_notes);
  lm_err err = {0};
  bind_check(L, map ? lm_safetensors_map(arrays, notes, path, &err) : lm_safetensors_read(arrays, notes, path, &err),
             &err);
  push_arrays(L, arrays);
  lua_newtable(L);
  for (int64_t i = 0; i < notes->count; i++) {
    lua_pushstring(L, notes->items[i].value);
    lua_setfield(L, -2, notes->items[i].key);
  }
  own_free(L, -3);
  own_free(L, -4);
  return 2;
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const lm_note *)a)->key, ((const lm_note *)b)->key);
}

/* The strings of the table at an index by name, sorted, into an owned list on the stack. */
static lm_notes *read_notes(lua_State *L, int index, const char *what) {
  lm_err err = {0};
  lm_notes *notes = own_new(L, sizeof *notes, free_notes);
  if (lua_isnoneornil(L, index)) return notes;
  if (!lua_istable(L, index)) bind_fail(L, "%s: the metadata must be a table of strings by name", what);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), n++)
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      bind_fail(L, "%s: the metadata must be strings by name", what);
  notes->items = lm_alloc_array(n + 1, sizeof *notes->items, what, &err);
  bind_check(L, notes->items ? LM_OK : LM_ERR_MEMORY, &err);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    lm_note *note = &notes->items[notes->count++];
    *note = (lm_note){lm_strdup(lua_tostring(L, -2), &err), lm_strdup(lua_tostring(L, -1), &err)};
    bind_check(L, note->key && note->value ? LM_OK : LM_ERR_MEMORY, &err);
  }
  qsort(notes->items, n, sizeof *notes->items, by_key);
  return notes;
}

static int io_safetensors_write(lua_State *L) {
  const char *path = own_path(L, 1, "safetensors_write");
  lua_settop(L, 3);
  lm_notes *notes = read_notes(L, 3, "safetensors_write");
  lm_arrays *arrays = read_arrays(L, 2, "safetensors_write", false);
  lm_err err = {0};
  bind_check(L, lm_safetensors_write(path, arrays, notes, &err), &err);
  own_free(L, -1);
  own_free(L, -2);
  return 0;
}

/* ---- pictures ---------------------------------------------------------------------------------------------------
 */

/* The options of the table at index 2, which may be absent: channels, and upright where *upright is asked for. */
static int read_picture_options(lua_State *L, const char *what, bool *upright) {
  char name[64];
  int64_t channels = 0;
  if (lua_isnoneornil(L, 2)) return 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  bind_known_options(L, 2, what, upright ? "channels upright" : "channels");
  snprintf(name, sizeof name, "%s: channels", what);
  if (bind_option(L, 2, "channels")) channels = bind_int(L, -1, name);
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    bind_fail(L, "%s is %lld but must be 1, 3 or 4", name, (long long)channels);
  snprintf(name, sizeof name, "%s: upright", what);
  if (upright && bind_option(L, 2, "upright")) *upright = bind_bool(L, -1, name);
  lua_settop(L, 2);
  return (int)channels;
}

static int io_png_read(lua_State *L) {
  const char *path = own_path(L, 1, "png_read");
  int channels = read_picture_options(L, "png_read", NULL);
  lm_tensor **t = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_png_read(t, path, channels, &err), &err);
  bind_account(L, *t);
  return 1;
}

static int io_picture_read(lua_State *L) {
  const char *path = own_path(L, 1, "picture_read");
  bool upright = false;
  int channels = read_picture_options(L, "picture_read", &upright);
  lm_tensor **t = bind_new_tensor(L);
  lm_err err = {0};
  bind_check(L, lm_picture_read(t, path, channels, upright, &err), &err);
  bind_account(L, *t);
  return 1;
}

static int io_jpeg_write(lua_State *L) {
  const char *path = own_path(L, 1, "jpeg_write");
  lm_tensor *t = bind_tensor(L, 2, "jpeg_write: the picture");
  int64_t quality = 95;
  lm_err err = {0};
  if (!lua_isnoneornil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    bind_known_options(L, 3, "jpeg_write", "quality");
    if (bind_option(L, 3, "quality")) quality = bind_int(L, -1, "jpeg_write: quality");
    if (quality < 1 || quality > 100)
      bind_fail(L, "jpeg_write: quality is %lld but must be from 1 to 100", (long long)quality);
  }
  bind_check(L, lm_jpeg_write(path, t, (int)quality, &err), &err);
  return 0;
}

static int io_png_write(lua_State *L) {
  const char *path = own_path(L, 1, "png_write");
  lm_tensor *t = bind_tensor(L, 2, "png_write: the picture");
  lm_err err = {0};
  bind_check(L, lm_png_write(path, t, &err), &err);
  return 0;
}

/* ---- text and the list of files -----------------------------------------------------------------------------------
 */

static int io_text_read(lua_State *L) {
  const char *path = own_path(L, 1, "text_read");
  char **text = own_new(L, sizeof *text, free_pointer);
  int64_t n;
  lm_err err = {0};
  bind_check(L, lm_file_read(text, &n, path, 0, &err), &err);
  lua_pushlstring(L, *text, (size_t)n);
  own_free(L, -2);
  return 1;
}

static int io_text_write(lua_State *L) {
  const char *path = own_path(L, 1, "text_write"), *text = bind_text(L, 2, "text_write: the text");
  lm_err err = {0};
  bind_check(L, lm_file_write_atomic(path, text, lua_rawlen(L, 2), &err), &err);
  return 0;
}

static int io_files_read(lua_State *L) {
  lua_newtable(L);
  const char *path;
  for (int64_t i = 0; (path = lm_files_noted(i)) != NULL; i++) {
    lua_pushstring(L, path);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int io_files_note(lua_State *L) {
  lm_err err;
  bind_check(L, lm_files_note(own_path(L, 1, "files_note"), &err), &err);
  return 0;
}

static int io_files_forget(lua_State *L) {
  (void)L;
  lm_files_forget();
  return 0;
}

static const luaL_Reg functions[] = {{"npy_read", io_npy_read},
                                     {"npy_write", io_npy_write},
                                     {"forget", io_forget},
                                     {"npz_read", io_npz_read},
                                     {"npz_write", io_npz_write},
                                     {"idx_read", io_idx_read},
                                     {"idx_read_all", io_idx_read_all},
                                     {"idx_write", io_idx_write},
                                     {"safetensors_read", io_safetensors_read},
                                     {"safetensors_write", io_safetensors_write},
                                     {"png_read", io_png_read},
                                     {"png_write", io_png_write},
                                     {"picture_read", io_picture_read},
                                     {"jpeg_write", io_jpeg_write},
                                     {"text_read", io_text_read},
                                     {"text_write", io_text_write},
                                     {"files_read", io_files_read},
                                     {"files_note", io_files_note},
                                     {"files_forget", io_files_forget},
                                     {NULL, NULL}};

static const bind_doc docs[] = {
    {"io.npy_read", "npy_read(path[, { map = false }]) -> tensor or list of strings",
     "The array of a NumPy .npy file (versions 1 to 3). Small and unsigned integers become int64, float16 float32, "
     "complex numbers a last axis of 2 (real, imaginary). Pickled objects, structured arrays, dates, extended "
     "precision and damaged files raise a 'format' error, missing ones 'io'. map = true maps the file into memory: "
     "float32, float64, int64 and uint8 cost nothing until they are touched; the file must stay as it is meanwhile."},
    {"io.npy_write", "npy_write(path, tensor)",
     "Writes a NumPy .npy file, version 1, little-endian; complete or not at all."},
    {"io.forget", "forget(tensor)",
     "Lets go of the memory that holds what was looked at of a mapped file; it is read again where it is asked for "
     "again. Nothing happens to other tensors, nor where elements were changed."},
    {"io.npz_read", "npz_read(path) -> table",
     "Every array of a NumPy .npz archive by name: tensors, and text arrays as lists of strings."},
    {"io.npz_write", "npz_write(path, { name = tensor or list of strings }, { compress = false })",
     "Writes a NumPy .npz archive with the names sorted and a fixed date: equal arrays give equal bytes."},
    {"io.idx_read", "idx_read(path[, { map = false }]) -> tensor",
     "The array of an IDX file (MNIST), plain or compressed by gzip: uint8, float32 and float64 stay, other integers "
     "become int64. map = true maps uint8 that is not compressed into memory (see npy_read)."},
    {"io.idx_read_all", "idx_read_all(list of paths) -> list of tensors, list of hashes",
     "The arrays of up to 16 IDX files, read and hashed (SHA-256, for results.json) by the threads at the same "
     "time."},
    {"io.idx_write", "idx_write(path, tensor)",
     "Writes an IDX file, compressed where the path ends in .gz. int64 must fit into 32 bits."},
    {"io.safetensors_read", "safetensors_read(path[, { map = false }]) -> table, metadata",
     "Every tensor of a safetensors file by name, and its metadata, strings by name. F16, BF16, F8_E4M3 and F8_E5M2 "
     "become float32; other dtypes are refused by name. map = true maps the file into memory (see npy_read)."},
    {"io.safetensors_write", "safetensors_write(path, { name = tensor }[, { key = string }])",
     "Writes a safetensors file; equal tensors and metadata give equal bytes."},
    {"io.png_read", "png_read(path[, { channels = 1 | 3 | 4 }]) -> tensor C,H,W",
     "A PNG picture as uint8 (0 to 255), or as float32 (0 to 65535) where it has 16 bits. Without channels: 1 grey, "
     "2 "
     "grey and alpha, 3 colour, 4 colour and alpha, as the file has. Colour becomes grey with the weights of ITU-R "
     "BT.601; alpha is dropped, not blended."},
    {"io.picture_read", "picture_read(path[, { channels = 1 | 3 | 4, upright = false }]) -> tensor C,H,W",
     "A PNG or JPEG picture, told apart by its first bytes; see png_read. upright = true turns a JPEG as its EXIF "
     "orientation says. No gamma or colour profile is applied."},
    {"io.jpeg_write", "jpeg_write(path, tensor[, { quality = 95 }])",
     "Writes a picture H,W or C,H,W with 1 or 3 channels as JPEG, colour at full resolution: uint8, or floats in "
     "[0, 1]."},
    {"io.png_write", "png_write(path, tensor)",
     "Writes a picture H,W or C,H,W with 1, 3 or 4 channels: uint8, or floats in [0, 1]."},
    {"io.text_read", "text_read(path) -> string", "The whole file."},
    {"io.text_write", "text_write(path, text)",
     "Writes the whole file under another name, then renames it: it appears complete or not at all."},
    {"io.files_read", "files_read() -> list of strings",
     "Every file that was read, in the order of first reading, each once; results.json lists them with their "
     "hashes."},
    {"io.files_note", "files_note(path)", "Adds a path to files_read, for a file that was read some other way."},
    {"io.files_forget", "files_forget()", "Empties the list of files_read."},
    {NULL, NULL, NULL}};

int bind_open_io(lua_State *L) {
  bind_document(L, docs);
  luaL_newlib(L, functions);
  io_open_csv(L);
  io_open_json(L);
  io_open_mat(L);
  io_open_hdf5(L);
  io_open_rows(L);
  return 1;
}
