/* npz.c: NumPy's .npz. */
#include "io/npz.h"

#include "base/memory.h"
#include "io/npy.h"
#include "io/zip.h"

#include <stdio.h>
#include <string.h>

static lm_status read_member(lm_arrays *out, lm_zip *z, int64_t index, const char *path, lm_err *e) {
  const char *name = lm_zip_at(z, index)->name;
  size_t n = strlen(name);
  if (n <= 4 || strcmp(name + n - 4, ".npy") != 0)
    return lm_fail(e, LM_ERR_FORMAT, "%s: the member '%s' is no .npy array", path, name);
  for (int64_t i = 0; i < out->count; i++)
    if (strlen(out->items[i].name) == n - 4 && !memcmp(out->items[i].name, name, n - 4))
      return lm_fail(e, LM_ERR_FORMAT, "%s: two members are named '%s'", path, name);
  lm_source s;
  lm_array array = {0};
  lm_status status = lm_zip_enter(&s, z, index, e);
  if (status != LM_OK) return status;
  status = lm_npy_parse(&array, &s, e);
  status = lm_zip_leave(&s, status, e);
  if (status == LM_OK && !(array.name = lm_strdup(name, e))) status = LM_ERR_MEMORY;
  if (status != LM_OK) {
    lm_array_free(&array);
    return status;
  }
  array.name[n - 4] = 0;
  return lm_arrays_add(out, array, e);
}

lm_status lm_npz_read(lm_arrays *out, const char *path, lm_err *e) {
  *out = (lm_arrays){0};
  lm_zip *z;
  lm_status status = lm_zip_open(&z, path, e);
  if (status != LM_OK) return status;
  for (int64_t i = 0; i < lm_zip_count(z) && status == LM_OK; i++) status = read_member(out, z, i, path, e);
  lm_zip_close(z);
  if (status != LM_OK) lm_arrays_free(out);
  return status;
}

static lm_status write_member(lm_zip_writer *z, const lm_array *array, bool compress, lm_err *e) {
  size_t room = strlen(array->name) + 5;
  char *name = lm_alloc(room, "npz", e);
  if (!name) return LM_ERR_MEMORY;
  snprintf(name, room, "%s.npy", array->name);
  lm_bytes bytes = {0};
  lm_status status = lm_npy_put(array, lm_put_bytes, &bytes, e);
  if (status == LM_OK) status = lm_zip_add(z, name, bytes.data, (int64_t)bytes.n, compress, e);
  lm_free(bytes.data);
  lm_free(name);
  return status;
}

lm_status lm_npz_write(const char *path, const lm_arrays *arrays, bool compress, lm_err *e) {
  lm_zip_writer *z;
  lm_status status = lm_zip_create(&z, path, e);
  if (status != LM_OK) return status;
  for (int64_t i = 0; i < arrays->count && status == LM_OK; i++) {
    status = write_member(z, &arrays->items[i], compress, e);
    if (status != LM_OK) lm_fail_in(e, status, "%s", arrays->items[i].name);
  }
  if (status == LM_OK) return lm_zip_commit(z, e);
  lm_zip_drop(z);
  return status;
}
