/* scales.c: dimension scales, by which netCDF-4 names the axes of its variables (HDF5's Dimension Scale
 * Specification). A variable's attribute DIMENSION_LIST refers, for each of its axes, to the scale; a scale's
 * REFERENCE_LIST refers back to every variable and axis that it belongs to. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

/* An entry of REFERENCE_LIST. */
typedef struct user {
  hobj_ref_t dataset;
  int dimension;
} user;

static const lm_tree *list_of(const lm_tree *object) {
  const lm_tree *list = object->kind == LM_TREE_TABLE ? lm_tree_get(object, "DIMENSION_LIST") : NULL;
  return list && (list->kind == LM_TREE_TEXT || list->kind == LM_TREE_LIST) ? list : NULL;
}

static int64_t list_count(const lm_tree *list) { return list->kind == LM_TREE_TEXT ? 1 : list->count; }

/* The name of the scale of an axis; NULL where it is no text. */
static const char *list_name(const lm_tree *list, int64_t axis) {
  const lm_tree *t = list->kind == LM_TREE_TEXT ? list : &list->items[axis];
  return t->kind == LM_TREE_TEXT ? t->text : NULL;
}

/* The shape of a dataset, and how many axes it has; -1 where there is none of the name, or too many axes. */
static int shape_of(hid_t file, const char *name, hsize_t dims[LM_MAX_DIMS]) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = set < 0 ? -1 : H5Dget_space(set);
  int ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  if (ndim > LM_MAX_DIMS) ndim = -1;
  if (ndim > 0) H5Sget_simple_extent_dims(space, dims, NULL);
  if (space >= 0) H5Sclose(space);
  if (set >= 0) H5Dclose(set);
  return ndim;
}

/* Whether the scales are there, have one axis, and are as long as the axes. */
static lm_status check_list(const worker *w, hid_t file, const lm_tree *of, const lm_tree *list, lm_err *e) {
  hsize_t dims[LM_MAX_DIMS], own[LM_MAX_DIMS];
  int ndim = shape_of(file, of->name, dims);
  if (ndim != list_count(list))
    return lm_fail(e, LM_ERR_ARGUMENT,
                   "%s: DIMENSION_LIST of '%s' has %lld names, expected one for each axis of a "
                   "dataset (%d)",
                   w->name, of->name, (long long)list_count(list), ndim < 0 ? 0 : ndim);
  for (int i = 0; i < ndim; i++) {
    const char *name = list_name(list, i);
    if (!name || shape_of(file, name, own) != 1 || own[0] != dims[i])
      return lm_fail(e, LM_ERR_ARGUMENT,
                     "%s: axis %d of '%s' has %lld entries, and '%s' is no dataset of one axis with "
                     "as many",
                     w->name, i + 1, of->name, (long long)dims[i], name ? name : "?");
  }
  return LM_OK;
}

/* Writes `count` elements of a type as an attribute of an object. */
static bool put_attribute(hid_t file, const char *object, const char *name, hid_t type, hsize_t count,
                          const void *data) {
  hid_t o = H5Oopen(file, object, H5P_DEFAULT), space = H5Screate_simple(1, &count, NULL);
  hid_t attribute = o < 0 || space < 0 ? -1 : H5Acreate2(o, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  bool good = attribute >= 0 && H5Awrite(attribute, type, data) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  if (space >= 0) H5Sclose(space);
  if (o >= 0) H5Oclose(o);
  return good;
}

/* DIMENSION_LIST: for each axis a run of one reference. */
static lm_status put_list(const worker *w, hid_t file, const lm_tree *of, const lm_tree *list, lm_err *e) {
  hobj_ref_t refs[LM_MAX_DIMS];
  hvl_t runs[LM_MAX_DIMS];
  int64_t ndim = list_count(list);
  hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
  bool good = type >= 0;
  for (int64_t i = 0; i < ndim && good; i++) {
    good = H5Rcreate(&refs[i], file, list_name(list, i), H5R_OBJECT, -1) >= 0;
    runs[i] = (hvl_t){.len = 1, .p = &refs[i]};
  }
  good = good && (ndim == 0 || put_attribute(file, of->name, "DIMENSION_LIST", type, (hsize_t)ndim, runs));
  if (type >= 0) H5Tclose(type);
  return good ? LM_OK : worker_failed(w, of->name, e);
}

/* The variables and axes that a scale belongs to, counted, and written to `out` where that is not NULL. */
static int64_t users_of(hid_t file, const char *scale, const lm_tree *attributes, user *out) {
  int64_t n = 0;
  for (int64_t i = 0; i < attributes->count; i++) {
    const lm_tree *list = list_of(&attributes->items[i]);
    for (int64_t axis = 0; list && axis < list_count(list); axis++) {
      if (strcmp(list_name(list, axis), scale) != 0) continue;
      if (out) {
        if (H5Rcreate(&out[n].dataset, file, attributes->items[i].name, H5R_OBJECT, -1) < 0) return -1;
        out[n].dimension = (int)axis;
      }
      n++;
    }
  }
  return n;
}

static hid_t user_type(void) {
  hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(user));
  if (type < 0) return type;
  if (H5Tinsert(type, "dataset", HOFFSET(user, dataset), H5T_STD_REF_OBJ) >= 0 &&
      H5Tinsert(type, "dimension", HOFFSET(user, dimension), H5T_NATIVE_INT) >= 0)
    return type;
  H5Tclose(type);
  return -1;
}

static lm_status put_users(const worker *w, hid_t file, const char *scale, const lm_tree *attributes, lm_err *e) {
  int64_t n = users_of(file, scale, attributes, NULL);
  if (n == 0) return LM_OK;
  user *users = calloc((size_t)n, sizeof *users); /* zeros between the fields, too: equal files have equal bytes */
  hid_t type = user_type();
  bool good = users && type >= 0 && users_of(file, scale, attributes, users) == n &&
              put_attribute(file, scale, "REFERENCE_LIST", type, (hsize_t)n, users);
  if (type >= 0) H5Tclose(type);
  free(users);
  return good ? LM_OK : worker_failed(w, scale, e);
}

lm_status attach_scales(const worker *w, hid_t file, const lm_tree *attributes, lm_err *e) {
  lm_status status = LM_OK;
  for (int64_t i = 0; i < attributes->count && status == LM_OK; i++) {
    const lm_tree *of = &attributes->items[i], *list = list_of(of);
    if (!list && of->kind == LM_TREE_TABLE && lm_tree_get(of, "DIMENSION_LIST"))
      return lm_fail(e, LM_ERR_ARGUMENT, "%s: DIMENSION_LIST of '%s' is no list of names of datasets", w->name,
                     of->name);
    if (!list) continue;
    status = check_list(w, file, of, list, e);
    if (status == LM_OK) status = put_list(w, file, of, list, e);
  }
  for (int64_t i = 0; i < attributes->count && status == LM_OK; i++)
    status = put_users(w, file, attributes->items[i].name, attributes, e);
  return status;
}
