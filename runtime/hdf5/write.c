/* write.c: a whole file from a tree: tables are groups, tensors datasets, texts strings of UTF-8, lists of texts
 * datasets of them. Dates are not written, so equal contents give equal bytes. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20 };

/* ---- types and values -------------------------------------------------------------------------------------------
 */

/* As h5py writes bool. */
static hid_t bool_type(void) {
  hid_t type = H5Tenum_create(H5T_STD_I8LE);
  const signed char no = 0, yes = 1;
  if (type >= 0) {
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
  }
  return type;
}

static hid_t tensor_type(lm_dtype dtype) {
  if (dtype == LM_BOOL) return bool_type();
  return H5Tcopy(dtype == LM_F32   ? H5T_IEEE_F32LE
                 : dtype == LM_F64 ? H5T_IEEE_F64LE
                 : dtype == LM_U8  ? H5T_STD_U8LE
                                   : H5T_STD_I64LE);
}

static hid_t text_type(void) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0) {
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
  }
  return type;
}

/* A value ready to be written: type, space and address; `texts` is an address that must be freed. */
typedef struct ready {
  hid_t type, space;
  int ndim;
  hsize_t dims[LM_MAX_DIMS];
  size_t size;
  const void *data;
  const char **texts;
} ready;

static void release(ready *r) {
  if (r->type >= 0) H5Tclose(r->type);
  if (r->space >= 0) H5Sclose(r->space);
  free(r->texts);
}

/* False where the value is neither numbers nor texts, or memory is out. */
static bool prepare(ready *r, const lm_tree *t) {
  *r = (ready){.type = -1, .space = -1};
  int64_t count = t->kind == LM_TREE_TEXT ? 1 : t->count;
  if (t->kind == LM_TREE_TENSOR) {
    r->type = tensor_type(t->tensor->dtype);
    r->ndim = t->tensor->ndim;
    for (int i = 0; i < r->ndim; i++) r->dims[i] = (hsize_t)t->tensor->shape[i];
    r->size = lm_dtype_size(t->tensor->dtype);
    r->data = lm_tensor_data(t->tensor);
  } else {
    r->type = text_type();
    r->texts = calloc((size_t)count + 1, sizeof *r->texts);
    if (!r->texts || (t->kind != LM_TREE_TEXT && t->kind != LM_TREE_LIST)) return false;
    if (t->kind == LM_TREE_TEXT) r->texts[0] = t->text;
    for (int64_t i = 0; t->kind == LM_TREE_LIST && i < count; i++) {
      if (t->items[i].kind != LM_TREE_TEXT) return false;
      r->texts[i] = t->items[i].text;
    }
    r->ndim = t->kind == LM_TREE_LIST;
    r->dims[0] = (hsize_t)count;
    if (t->kind == LM_TREE_LIST && t->ndim > 1) r->ndim = t->ndim;
    for (int i = 0; r->ndim > 1 && i < r->ndim; i++) r->dims[i] = (hsize_t)t->shape[i];
    r->size = sizeof(char *);
    r->data = r->texts;
  }
  r->space = r->ndim ? H5Screate_simple(r->ndim, r->dims, NULL) : H5Screate(H5S_SCALAR);
  return r->type >= 0 && r->space >= 0;
}

/* ---- datasets ---------------------------------------------------------------------------------------------------
 */

/* Compressed datasets are cut into chunks of about 1 MiB: whole entries of the last axes. */
static bool compress(hid_t plist, const ready *r, int level) {
  hsize_t chunk[LM_MAX_DIMS], bytes = r->size;
  if (level == 0 || r->ndim == 0) return true;
  for (int i = r->ndim - 1; i >= 0; i--) {
    if (r->dims[i] == 0) return true; /* nothing to compress */
    hsize_t most = CHUNK / bytes ? CHUNK / bytes : 1;
    chunk[i] = r->dims[i] < most ? r->dims[i] : most;
    bytes *= chunk[i];
  }
  return H5Pset_chunk(plist, r->ndim, chunk) >= 0 && H5Pset_shuffle(plist) >= 0 &&
         H5Pset_deflate(plist, (unsigned)level) >= 0;
}

static bool write_dataset(hid_t parent, const char *name, const ready *r, int level) {
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE), set = -1;
  bool good = plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0 && compress(plist, r, r->texts ? 0 : level);
  if (good) set = H5Dcreate2(parent, name, r->type, r->space, H5P_DEFAULT, plist, H5P_DEFAULT);
  good = set >= 0;
  hssize_t count = good ? H5Sget_simple_extent_npoints(r->space) : 0;
  if (good && count > 0) good = H5Dwrite(set, r->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, r->data) >= 0;
  if (set >= 0) good = H5Dclose(set) >= 0 && good;
  if (plist >= 0) H5Pclose(plist);
  return good;
}

static lm_status write_items(worker *w, hid_t group, const lm_tree *table, int level, lm_err *e);

static lm_status write_group(worker *w, hid_t parent, const lm_tree *t, int level, lm_err *e) {
  hid_t group = H5Gcreate2(parent, t->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (group < 0) return worker_failed(w, t->name, e);
  lm_status status = write_items(w, group, t, level, e);
  H5Gclose(group);
  return status;
}

static lm_status write_items(worker *w, hid_t group, const lm_tree *table, int level, lm_err *e) {
  lm_status status = LM_OK;
  for (int64_t i = 0; i < table->count && status == LM_OK; i++) {
    const lm_tree *t = &table->items[i];
    worker_allow(t->kind == LM_TREE_TENSOR ? lm_tensor_bytes(t->tensor) : 0);
    if (t->kind == LM_TREE_TABLE) {
      status = write_group(w, group, t, level, e);
      continue;
    }
    ready r;
    if (!prepare(&r, t))
      status =
          lm_fail(e, LM_ERR_ARGUMENT, "%s: '%s' is neither numbers, nor text, nor a list of texts", w->name, t->name);
    else if (!write_dataset(group, t->name, &r, level))
      status = worker_failed(w, t->name, e);
    release(&r);
  }
  return status;
}

/* ---- attributes and files ---------------------------------------------------------------------------------------
 */

/* The attributes that HDF5's own conventions give a meaning have texts of a fixed length, without an encoding. */
static bool by_convention(const lm_tree *t) {
  return t->kind == LM_TREE_TEXT && *t->text && (!strcmp(t->name, "CLASS") || !strcmp(t->name, "NAME"));
}

static bool write_convention(hid_t object, const lm_tree *t) {
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), attribute = -1;
  bool good = type >= 0 && space >= 0 && H5Tset_size(type, strlen(t->text) + 1) >= 0;
  if (good) attribute = H5Acreate2(object, t->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  good = attribute >= 0 && H5Awrite(attribute, type, t->text) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  return good;
}

static lm_status write_attributes(worker *w, hid_t file, const lm_tree *of, lm_err *e) {
  hid_t object = H5Oopen(file, of->name, H5P_DEFAULT);
  if (object < 0)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: attributes for '%s', which the contents do not have", w->name, of->name);
  lm_status status = LM_OK;
  for (int64_t i = 0; i < of->count && status == LM_OK; i++) {
    const lm_tree *t = &of->items[i];
    if (!strcmp(t->name, "DIMENSION_LIST")) continue; /* attach_scales writes it */
    if (by_convention(t)) {
      if (!write_convention(object, t)) status = worker_failed(w, t->name, e);
      continue;
    }
    ready r;
    hid_t attribute = -1;
    if (!prepare(&r, t))
      status = lm_fail(e, LM_ERR_ARGUMENT,
                       "%s: the attribute '%s' of '%s' is neither numbers, nor text, nor a list of "
                       "texts",
                       w->name, t->name, of->name);
    else {
      attribute = H5Acreate2(object, t->name, r.type, r.space, H5P_DEFAULT, H5P_DEFAULT);
      if (attribute < 0 || H5Awrite(attribute, r.type, r.data) < 0) status = worker_failed(w, t->name, e);
    }
    if (attribute >= 0) H5Aclose(attribute);
    release(&r);
  }
  H5Oclose(object);
  return status;
}

lm_status write_file(worker *w, const lm_tree *request, lm_err *e) {
  const lm_tree *contents = lm_tree_get(request, "contents"), *attributes = lm_tree_get(request, "attributes");
  const lm_tree *level = lm_tree_get(request, "compress");
  if (!contents || contents->kind != LM_TREE_TABLE || !level || level->ndim != 1)
    return lm_fail(e, LM_ERR_ARGUMENT, "%s: write without contents", w->name);
  hid_t file = H5Fcreate(WORKER_PATH, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) return worker_failed(w, "cannot write", e);
  lm_status status = write_items(w, file, contents, (int)level->shape[0], e);
  for (int64_t i = 0; attributes && i < attributes->count && status == LM_OK; i++)
    status = write_attributes(w, file, &attributes->items[i], e);
  if (attributes && status == LM_OK) status = attach_scales(w, file, attributes, e);
  if (H5Fclose(file) < 0 && status == LM_OK) status = worker_failed(w, "cannot write", e);
  return status == LM_OK ? lm_tree_put_table(lm_channel_put, w->channel, e) == LM_OK
                               ? lm_tree_put_end(lm_channel_put, w->channel, e)
                               : LM_ERR_IO
                         : status;
}
