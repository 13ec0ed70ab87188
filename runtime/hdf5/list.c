/* list.c: what objects a file holds. */
#include "worker.h"

#include <stdio.h>
#include <string.h>

typedef struct visit {
  worker *w;
  lm_err *e;
  lm_status status;
} visit;

static lm_status put_named(worker *w, const char *name, const char *text, lm_err *e) {
  lm_status status = worker_item(w, name, e);
  return status == LM_OK ? worker_text(w, text, e) : status;
}

static lm_status put_shape(worker *w, const char *name, int ndim, const hsize_t *dims, lm_err *e) {
  int64_t shape[H5S_MAX_RANK];
  if (ndim > LM_MAX_DIMS) return LM_OK; /* such a dataset is not read either */
  for (int i = 0; i < ndim; i++) shape[i] = (int64_t)dims[i];
  lm_status status = worker_item(w, name, e);
  return status == LM_OK ? lm_tree_put_shape(LM_TREE_SHAPE, ndim, shape, lm_channel_put, w->channel, e) : status;
}

void filter_name(H5Z_filter_t id, const char *stored, char *out, size_t room) {
  static const struct {
    int id;
    const char *name;
  } known[] = {{H5Z_FILTER_DEFLATE, "deflate"},
               {H5Z_FILTER_SHUFFLE, "shuffle"},
               {H5Z_FILTER_FLETCHER32, "fletcher32"},
               {H5Z_FILTER_SZIP, "szip"},
               {H5Z_FILTER_NBIT, "nbit"},
               {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
               {32000, "lzf"},
               {32001, "blosc"},
               {32004, "lz4"},
               {32008, "bitshuffle"},
               {32015, "zstd"},
               {32026, "blosc2"}};
  const char *name = stored && *stored ? stored : "unknown";
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].id == id) name = known[i].name;
  snprintf(out, room, "%.80s (%d)", name, (int)id);
}

static lm_status put_filters(worker *w, hid_t plist, lm_err *e) {
  int n = H5Pget_nfilters(plist);
  if (n <= 0) return LM_OK;
  lm_status status = worker_item(w, "filters", e);
  if (status == LM_OK) status = lm_tree_put_shape(LM_TREE_LIST, 0, NULL, lm_channel_put, w->channel, e);
  for (int i = 0; i < n && status == LM_OK; i++) {
    unsigned flags;
    size_t values = 0;
    char stored[256] = "", name[128];
    H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, sizeof stored - 1, stored, NULL);
    filter_name(id, stored, name, sizeof name);
    status = worker_item(w, NULL, e);
    if (status == LM_OK) status = worker_text(w, name, e);
  }
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, w->channel, e) : status;
}

static lm_status put_layout(worker *w, hid_t plist, lm_err *e) {
  H5D_layout_t layout = H5Pget_layout(plist);
  lm_status status = put_named(w, "layout",
                               layout == H5D_COMPACT   ? "compact"
                               : layout == H5D_CHUNKED ? "chunked"
                               : layout == H5D_VIRTUAL ? "virtual"
                                                       : "contiguous",
                               e);
  hsize_t chunk[H5S_MAX_RANK];
  int rank = layout == H5D_CHUNKED ? H5Pget_chunk(plist, H5S_MAX_RANK, chunk) : -1;
  if (status == LM_OK && rank > 0) status = put_shape(w, "chunks", rank, chunk, e);
  return status == LM_OK ? put_filters(w, plist, e) : status;
}

static lm_status put_dataset(worker *w, hid_t set, lm_err *e) {
  hid_t type = H5Dget_type(set), space = H5Dget_space(set), plist = H5Dget_create_plist(set);
  char name[64] = "unknown";
  hsize_t dims[H5S_MAX_RANK];
  if (type >= 0) type_name(type, name, sizeof name);
  lm_status status = put_named(w, "kind", "dataset", e);
  if (status == LM_OK) status = put_named(w, "dtype", name, e);
  int rank =
      space >= 0 && H5Sget_simple_extent_type(space) != H5S_NULL ? H5Sget_simple_extent_dims(space, dims, NULL) : -1;
  if (status == LM_OK && rank >= 0) status = put_shape(w, "shape", rank, dims, e);
  if (status == LM_OK && plist >= 0) status = put_layout(w, plist, e);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  if (plist >= 0) H5Pclose(plist);
  return status;
}

static lm_status put_object(worker *w, hid_t root, const char *name, H5O_type_t kind, lm_err *e) {
  lm_status status = worker_item(w, name, e);
  if (status == LM_OK) status = lm_tree_put_table(lm_channel_put, w->channel, e);
  hid_t set = status == LM_OK && kind == H5O_TYPE_DATASET ? H5Dopen2(root, name, H5P_DEFAULT) : -1;
  if (set >= 0) {
    status = put_dataset(w, set, e);
    H5Dclose(set);
  } else if (status == LM_OK)
    status = put_named(w, "kind",
                       kind == H5O_TYPE_GROUP     ? "group"
                       : kind == H5O_TYPE_DATASET ? "damaged dataset"
                                                  : "type",
                       e);
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, w->channel, e) : status;
}

static herr_t on_object(hid_t root, const char *name, const H5O_info_t *info, void *context) {
  visit *v = context;
  if (!strcmp(name, ".")) return 0;
  worker_allow(0);
  v->status = put_object(v->w, root, name, info->type, v->e);
  return v->status == LM_OK ? 0 : 1;
}

/* Soft links and links to other files, with where they lead. */
static herr_t on_link(hid_t root, const char *name, const H5L_info_t *info, void *context) {
  visit *v = context;
  char target[4096] = "";
  if (info->type == H5L_TYPE_HARD) return 0;
  lm_status status = worker_item(v->w, name, v->e);
  if (status == LM_OK) status = lm_tree_put_table(lm_channel_put, v->w->channel, v->e);
  if (status == LM_OK)
    status = put_named(v->w, "kind", info->type == H5L_TYPE_SOFT ? "soft link" : "external link", v->e);
  if (info->type == H5L_TYPE_SOFT && info->u.val_size < sizeof target &&
      H5Lget_val(root, name, target, sizeof target, H5P_DEFAULT) >= 0 && status == LM_OK)
    status = put_named(v->w, "target", target, v->e);
  if (status == LM_OK) status = lm_tree_put_end(lm_channel_put, v->w->channel, v->e);
  v->status = status;
  return status == LM_OK ? 0 : 1;
}

lm_status list_objects(worker *w, lm_err *e) {
  visit v = {.w = w, .e = e};
  lm_status status = lm_tree_put_table(lm_channel_put, w->channel, e);
  if (status == LM_OK && H5Ovisit(w->file, H5_INDEX_NAME, H5_ITER_INC, on_object, &v) < 0)
    return worker_failed(w, "cannot list its objects", e);
  if (v.status != LM_OK) return v.status;
  if (H5Lvisit(w->file, H5_INDEX_NAME, H5_ITER_INC, on_link, &v) < 0)
    return worker_failed(w, "cannot list its links", e);
  if (v.status != LM_OK) return v.status;
  return status == LM_OK ? lm_tree_put_end(lm_channel_put, w->channel, e) : status;
}
