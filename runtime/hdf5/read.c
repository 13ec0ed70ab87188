/* read.c: datasets, whole or a block of them, and attributes. */
#include "worker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLAB = 4 << 20, MOST_SLAB = 256 << 20, SMALL = 64 << 20 };

/* A dataset that is open, and what of it is asked for. */
typedef struct job {
  hid_t set, stored, memory, space;
  bool empty; /* of a null dataspace: there are no elements */
  int ndim;
  int64_t start[LM_MAX_DIMS], count[LM_MAX_DIMS], chunk[LM_MAX_DIMS];
  size_t size; /* of an element in memory */
} job;

/* ---- opening ----------------------------------------------------------------------------------------------------
 */

/* Whether every name on the path is there; links are not followed to their end. */
static bool exists(worker *w, const char *path) {
  char part[LM_TREE_NAME];
  if (!strcmp(path, "/")) return true;
  for (const char *p = path + (*path == '/');; p++) {
    p += strcspn(p, "/");
    snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
    if (*part && strcmp(part, "/") != 0 && H5Lexists(w->file, part, H5P_DEFAULT) <= 0) return false;
    if (!*p) return true;
  }
}

static lm_status open_object(worker *w, const char *path, hid_t *object, lm_err *e) {
  *object = H5Oopen(w->file, path, H5P_DEFAULT);
  if (*object >= 0) return LM_OK;
  H5L_info_t info;
  if (!exists(w, path)) return lm_fail(e, LM_ERR_ARGUMENT, "%s: there is no '%s'", w->name, path);
  if (H5Lget_info(w->file, path, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_EXTERNAL)
    return lm_fail(e, LM_ERR_FORMAT, "%s: '%s' is a link to another file, which is not followed; open that file",
                   w->name, path);
  return worker_failed(w, path, e);
}

/* Data that lie in other files are not read: a file from elsewhere could name any file of this machine. */
static lm_status check_storage(worker *w, const char *path, hid_t plist, lm_err *e) {
  if (H5Pget_layout(plist) == H5D_CONTIGUOUS && H5Pget_external_count(plist) > 0)
    return lm_fail(e, LM_ERR_FORMAT, "%s: the data of '%s' lie in other files, which are not read", w->name, path);
  size_t sources = 0;
  if (H5Pget_layout(plist) == H5D_VIRTUAL) H5Pget_virtual_count(plist, &sources);
  for (size_t i = 0; i < sources; i++) {
    char name[8] = "";
    if (H5Pget_virtual_filename(plist, i, name, sizeof name) != 1 || strcmp(name, ".") != 0)
      return lm_fail(e, LM_ERR_FORMAT,
                     "%s: the data of '%s' (a virtual dataset) lie in other files, which are not read", w->name,
                     path);
  }
  return LM_OK;
}

/* Names the filter that libhdf5 lacks, before it fails with less to say. */
static lm_status check_filters(worker *w, const char *path, hid_t plist, lm_err *e) {
  int n = H5Pget_nfilters(plist);
  for (int i = 0; i < n; i++) {
    unsigned flags;
    size_t values = 0;
    char stored[256] = "", name[128];
    H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof stored - 1, stored, NULL);
    if (id < 0 || H5Zfilter_avail(id) > 0) continue;
    filter_name(id, stored, name, sizeof name);
    return lm_fail(
        e, LM_ERR_FORMAT,
        "%s: '%s' is compressed by the filter %s, which this machine's libhdf5 lacks (HDF5_PLUGIN_PATH may "
        "name a folder that has it); store it with gzip instead",
        w->name, path, name);
  }
  return LM_OK;
}

static lm_status job_layout(worker *w, job *j, const char *path, lm_err *e) {
  hid_t plist = H5Dget_create_plist(j->set);
  if (plist < 0) return worker_failed(w, path, e);
  hsize_t chunk[H5S_MAX_RANK];
  lm_status status = check_storage(w, path, plist, e);
  if (status == LM_OK) status = check_filters(w, path, plist, e);
  bool chunked = H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, H5S_MAX_RANK, chunk) == j->ndim;
  for (int i = 0; i < j->ndim; i++) j->chunk[i] = chunked && chunk[i] > 0 ? (int64_t)chunk[i] : 1;
  H5Pclose(plist);
  return status;
}

static lm_status job_space(worker *w, job *j, const char *path, lm_err *e) {
  hsize_t dims[H5S_MAX_RANK];
  H5S_class_t class = H5Sget_simple_extent_type(j->space);
  j->empty = class == H5S_NULL;
  j->ndim = j->empty ? 1 : H5Sget_simple_extent_dims(j->space, dims, NULL);
  if (class == H5S_NO_CLASS || j->ndim < 0) return worker_failed(w, path, e);
  if (j->ndim > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_FORMAT, "%s: '%s' has %d axes; at most %d are read", w->name, path, j->ndim,
                   LM_MAX_DIMS);
  for (int i = 0; i < j->ndim; i++) {
    if (!j->empty && dims[i] > INT64_MAX)
      return lm_fail(e, LM_ERR_FORMAT, "%s: '%s' has an axis of %" PRIu64, w->name, path, (uint64_t)dims[i]);
    j->start[i] = 0;
    j->count[i] = j->empty ? 0 : (int64_t)dims[i];
  }
  return LM_OK;
}

static void job_close(job *j) {
  if (j->space >= 0) H5Sclose(j->space);
  if (j->memory >= 0) H5Tclose(j->memory);
  if (j->stored >= 0) H5Tclose(j->stored);
  if (j->set >= 0) H5Dclose(j->set);
}

static lm_status job_open(worker *w, job *j, const char *path, lm_err *e) {
  hid_t object;
  j->set = j->stored = j->memory = j->space = -1;
  lm_status status = open_object(w, path, &object, e);
  if (status != LM_OK) return status;
  H5I_type_t kind = H5Iget_type(object);
  if (kind != H5I_DATASET) {
    H5Oclose(object);
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' is a %s, not a dataset", w->name, path,
                   kind == H5I_GROUP ? "group" : "type");
  }
  j->set = object;
  j->stored = H5Dget_type(j->set);
  j->memory = j->stored >= 0 ? type_memory(j->stored) : -1;
  j->space = H5Dget_space(j->set);
  if (j->memory < 0 || j->space < 0) return worker_failed(w, path, e);
  j->size = H5Tget_size(j->memory);
  status = job_space(w, j, path, e);
  return status == LM_OK ? job_layout(w, j, path, e) : status;
}

/* The block that the request asks for, within the dataset. */
static lm_status job_block(worker *w, job *j, const char *path, const lm_tree *request, lm_err *e) {
  const lm_tree *start = lm_tree_get(request, "start"), *count = lm_tree_get(request, "count");
  if (!start || !count) return LM_OK;
  if (start->ndim != j->ndim || count->ndim != j->ndim || j->empty)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' has %d axes, the block has %d", w->name, path, j->ndim, start->ndim);
  for (int i = 0; i < j->ndim; i++) {
    if (start->shape[i] > j->count[i] || count->shape[i] > j->count[i] - start->shape[i])
      return lm_fail(e, LM_ERR_ARGUMENT,
                     "%s: '%s' has %" PRId64 " entries along axis %d; entries %" PRId64 " to %" PRId64
                     " are asked for",
                     w->name, path, j->count[i], i + 1, start->shape[i] + 1, start->shape[i] + count->shape[i]);
    j->start[i] = start->shape[i];
    j->count[i] = count->shape[i];
  }
  return LM_OK;
}

/* The bytes of the block in memory; refuses what no file of this size can hold (compression expands 1032 times). */
static lm_status job_bytes(worker *w, const job *j, const char *path, int64_t *bytes, lm_err *e) {
  lm_status status = lm_elements_bytes(bytes, w->name, j->ndim, j->count, (int64_t)j->size, e);
  int64_t most = w->size < INT64_MAX / 4128 ? w->size * 4128 : INT64_MAX;
  if (status == LM_OK && *bytes > SMALL && *bytes > most)
    status = lm_fail(e, LM_ERR_FORMAT,
                     "%s: '%s' asks for %" PRId64 " bytes, but the file has %" PRId64
                     ": it holds fill values, or is damaged; read it in parts",
                     w->name, path, *bytes, w->size);
  return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------
 */

/* What unpacking one chunk takes; the format bounds it at 4 GiB. */
static int64_t chunk_bytes(const job *j) {
  int64_t bytes = (int64_t)j->size;
  const int64_t most = (int64_t)1 << 32;
  for (int i = 0; i < j->ndim && bytes < most; i++)
    if (__builtin_mul_overflow(bytes, j->chunk[i], &bytes)) bytes = most;
  return bytes < most ? bytes : most;
}

static lm_status read_block(worker *w, const job *j, const int64_t *start, const int64_t *count, void *to,
                            lm_err *e) {
  hsize_t from[LM_MAX_DIMS], n[LM_MAX_DIMS], total = 1;
  for (int i = 0; i < j->ndim; i++) {
    from[i] = (hsize_t)start[i];
    n[i] = (hsize_t)count[i];
    total *= n[i];
  }
  worker_allow((int64_t)(total * j->size) + chunk_bytes(j));
  /* of the same rank as the file's selection: libhdf5 is slow where the two differ */
  hid_t memory = j->ndim ? H5Screate_simple(j->ndim, n, NULL) : H5Screate(H5S_SCALAR);
  bool good = memory >= 0;
  if (good && j->ndim > 0) good = H5Sselect_hyperslab(j->space, H5S_SELECT_SET, from, NULL, n, NULL) >= 0;
  if (good) good = H5Dread(j->set, j->memory, memory, j->space, H5P_DEFAULT, to) >= 0;
  if (memory >= 0) H5Sclose(memory);
  return good ? LM_OK : worker_failed(w, "cannot read the data", e);
}

/* Streams the block from `axis` on: as many entries of that axis at a time as fit into a slab, whole chunks where the
 * dataset has any; entry by entry where one alone is larger. */
static lm_status stream(worker *w, const job *j, int axis, int64_t *start, int64_t *count, char *slab, size_t room,
                        lm_err *e) {
  int64_t row = (int64_t)j->size, whole = count[axis], first = start[axis];
  for (int i = axis + 1; i < j->ndim; i++) row *= count[i];
  bool deeper = (size_t)row > room && axis + 1 < j->ndim;
  int64_t rows = deeper ? 1 : (int64_t)room / row, chunk = j->chunk[axis];
  if (rows > chunk) rows -= rows % chunk;
  lm_status status = LM_OK;
  for (int64_t done = 0; done < whole && status == LM_OK;) {
    int64_t n = rows;
    if (rows >= chunk && !deeper) n -= (first + done) % chunk; /* so that the next slab begins with a chunk */
    if (n > whole - done) n = whole - done;
    start[axis] = first + done;
    count[axis] = n;
    if (deeper)
      status = stream(w, j, axis + 1, start, count, slab, room, e);
    else {
      status = read_block(w, j, start, count, slab, e);
      if (status == LM_OK) status = lm_channel_put(w->channel, slab, (size_t)(n * row), e);
    }
    done += n;
  }
  start[axis] = first;
  count[axis] = whole;
  return status;
}

/* Room for a slab: at least a row of chunks, so that no chunk is unpacked twice, but not without bounds. */
static size_t slab_room(const job *j, int64_t bytes) {
  int64_t row = (int64_t)j->size * j->chunk[0], room = SLAB;
  for (int i = 1; i < j->ndim; i++)
    if (__builtin_mul_overflow(row, j->count[i], &row)) row = MOST_SLAB;
  if (row > room) room = row;
  if (room > MOST_SLAB) room = MOST_SLAB;
  if (room > bytes) room = bytes;
  return (size_t)(room > (int64_t)j->size ? room : (int64_t)j->size);
}

static lm_status read_numbers(worker *w, job *j, lm_raw raw, bool complex, int64_t bytes, lm_err *e) {
  int64_t shape[LM_MAX_DIMS + 1];
  memcpy(shape, j->count, sizeof j->count);
  shape[j->ndim] = 2;
  if (j->ndim + complex > LM_MAX_DIMS)
    return lm_fail(e, LM_ERR_FORMAT, "%s: a complex dataset of %d axes; at most %d are read", w->name, j->ndim,
                   LM_MAX_DIMS - 1);
  lm_status status = lm_tree_put_tensor(raw, j->ndim + complex, shape, lm_channel_put, w->channel, e);
  if (bytes == 0 || status != LM_OK) return status;
  size_t room = slab_room(j, bytes);
  worker_allow((int64_t)room);
  char *slab = malloc(room);
  if (!slab) return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: %zu bytes", w->name, room);
  if (j->ndim == 0) {
    status = read_block(w, j, NULL, NULL, slab, e);
    if (status == LM_OK) status = lm_channel_put(w->channel, slab, j->size, e);
  } else
    status = stream(w, j, 0, j->start, j->count, slab, room, e);
  free(slab);
  return status;
}

/* Gives back what libhdf5 allocated for the strings and runs of a block. */
static void reclaim(hid_t type, int64_t count, void *block) {
  const hsize_t n = (hsize_t)count;
  hid_t space = count > 0 ? H5Screate_simple(1, &n, NULL) : -1;
  if (space < 0) return;
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, block);
  H5Sclose(space);
}

/* Everything that is no plain number: the block as it stands in memory, then its values. */
static lm_status read_others(worker *w, job *j, const char *path, int64_t bytes, lm_err *e) {
  int64_t count = 1;
  for (int i = 0; i < j->ndim; i++) count *= j->count[i];
  if (bytes > MOST_SLAB)
    return lm_fail(e, LM_ERR_FORMAT, "%s: '%s' asks for %" PRId64 " bytes at once; read it in parts", w->name, path,
                   bytes);
  worker_allow(bytes);
  char *block = calloc(1, (size_t)bytes + 1);
  if (!block) return lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: %" PRId64 " bytes", w->name, bytes);
  lm_status status = bytes ? read_block(w, j, j->start, j->count, block, e) : LM_OK;
  if (status == LM_OK) status = values_put(w, j->memory, block, j->size, count, j->ndim, j->count, 0, e);
  reclaim(j->memory, bytes ? count : 0, block);
  free(block);
  return status;
}

lm_status read_dataset(worker *w, const lm_tree *request, lm_err *e) {
  const lm_tree *path = lm_tree_get(request, "path");
  job j;
  lm_raw raw = LM_RAW_F64;
  int64_t bytes = 0;
  if (!path || path->kind != LM_TREE_TEXT) return lm_fail(e, LM_ERR_ARGUMENT, "%s: read without a path", w->name);
  lm_status status = job_open(w, &j, path->text, e);
  if (status == LM_OK) status = job_block(w, &j, path->text, request, e);
  if (status == LM_OK) status = job_bytes(w, &j, path->text, &bytes, e);
  if (status == LM_OK) {
    form f = type_form(j.memory, &raw);
    status = f == FORM_NUMBER || f == FORM_COMPLEX ? read_numbers(w, &j, raw, f == FORM_COMPLEX, bytes, e)
                                                   : read_others(w, &j, path->text, bytes, e);
  }
  job_close(&j);
  return status;
}

/* ---- attributes -------------------------------------------------------------------------------------------------
 */

static lm_status read_attribute(worker *w, hid_t attribute, lm_err *e) {
  hid_t stored = H5Aget_type(attribute), space = H5Aget_space(attribute),
        memory = stored >= 0 ? type_memory(stored) : -1;
  hsize_t dims[H5S_MAX_RANK];
  int64_t shape[LM_MAX_DIMS] = {0}, bytes = 0, count = 1;
  bool empty = space >= 0 && H5Sget_simple_extent_type(space) == H5S_NULL;
  int ndim = space < 0 ? -1 : empty ? 1 : H5Sget_simple_extent_dims(space, dims, NULL);
  lm_status status = memory >= 0 && ndim >= 0 ? LM_OK : worker_failed(w, "cannot read an attribute", e);
  if (status == LM_OK && ndim > LM_MAX_DIMS)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: an attribute of %d axes", w->name, ndim);
  for (int i = 0; i < ndim && status == LM_OK && !empty; i++) shape[i] = dims[i] > INT64_MAX ? -1 : (int64_t)dims[i];
  if (status == LM_OK) status = lm_elements_bytes(&bytes, w->name, ndim, shape, (int64_t)H5Tget_size(memory), e);
  if (status == LM_OK && bytes > SMALL)
    status = lm_fail(e, LM_ERR_FORMAT, "%s: an attribute of %" PRId64 " bytes", w->name, bytes);
  char *block = status == LM_OK ? calloc(1, (size_t)bytes + 1) : NULL;
  if (status == LM_OK && !block) status = lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: an attribute", w->name);
  if (status == LM_OK && bytes && H5Aread(attribute, memory, block) < 0)
    status = worker_failed(w, "cannot read an attribute", e);
  for (int i = 0; i < ndim; i++) count *= shape[i];
  if (status == LM_OK) {
    status = values_put(w, memory, block, H5Tget_size(memory), count, ndim, shape, 0, e);
    reclaim(memory, bytes ? count : 0, block);
  }
  free(block);
  if (memory >= 0) H5Tclose(memory);
  if (space >= 0) H5Sclose(space);
  if (stored >= 0) H5Tclose(stored);
  return status;
}

static lm_status put_attribute(worker *w, hid_t object, unsigned i, lm_err *e) {
  char name[4096] = "";
  hid_t attribute = H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)i, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0 || H5Aget_name(attribute, sizeof name, name) < 0)
    return worker_failed(w, "cannot open an attribute", e);
  lm_status status = worker_item(w, name, e);
  if (status == LM_OK) status = read_attribute(w, attribute, e);
  H5Aclose(attribute);
  return status;
}

lm_status read_attributes(worker *w, const lm_tree *request, lm_err *e) {
  const lm_tree *path = lm_tree_get(request, "path");
  hid_t object;
  H5O_info_t info;
  if (!path || path->kind != LM_TREE_TEXT)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: attributes without a path", w->name);
  lm_status status = open_object(w, path->text, &object, e);
  if (status != LM_OK) return status;
  status = lm_tree_put_table(lm_channel_put, w->channel, e);
  if (status == LM_OK && H5Oget_info(object, &info) < 0) status = worker_failed(w, "cannot list attributes", e);
  for (hsize_t i = 0; status == LM_OK && i < info.num_attrs; i++) status = put_attribute(w, object, (unsigned)i, e);
  H5Oclose(object);
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, w->channel, e) : status;
}
