/* mat5_element.c: the elements of a MATLAB 5 file. */
#include "io/mat5_element.h"

#include <inttypes.h>

lm_status lm_mat5_begin(lm_mat5 *r, lm_mat5_element *el, const char *what, lm_err *e) {
  lm_source *s = r->s;
  lm_status status = lm_source_read(s, el->tag, 8, what, e);
  if (status != LM_OK) return status;
  uint32_t first = lm_mat_u32(el->tag, r->big), bytes = lm_mat_u32(el->tag + 4, r->big);
  el->type = first & 0xffff;
  el->fill = 0;
  if (first >> 16) { /* the data stand in the tag */
    if (first >> 16 > 4)
      return lm_fail(e, LM_ERR_FORMAT, "%s: %s: %" PRIu32 " bytes in an element that holds 4", s->name, what,
                     first >> 16);
    lm_source_bytes(&el->own, s->name, el->tag + 4, first >> 16);
    el->from = &el->own;
    el->after = s->left;
    return LM_OK;
  }
  if (bytes > s->left)
    return lm_fail(e, LM_ERR_FORMAT, "%s: truncated: %s needs %" PRIu32 " bytes, %" PRId64 " are left", s->name, what,
                   bytes, s->left);
  el->from = s;
  el->after = s->left - bytes;
  el->fill = (8 - bytes % 8) % 8;
  s->left = bytes;
  return LM_OK;
}

lm_status lm_mat5_end(lm_mat5 *r, lm_mat5_element *el, const char *what, lm_err *e) {
  lm_status status = lm_source_skip(el->from, el->from->left, what, e);
  r->s->left = el->after;
  int64_t fill = el->fill < el->after ? el->fill : el->after;
  return status == LM_OK ? lm_source_skip(r->s, fill, what, e) : status;
}

bool lm_mat5_stored_as(uint32_t type, lm_raw *raw) {
  static const int8_t raws[] = {-1,         LM_RAW_I8, LM_RAW_U8,  LM_RAW_I16, LM_RAW_U16, LM_RAW_I32, LM_RAW_U32,
                                LM_RAW_F32, -1,        LM_RAW_F64, -1,         -1,         LM_RAW_I64, LM_RAW_U64};
  if (type >= sizeof raws || raws[type] < 0) return false;
  *raw = (lm_raw)raws[type];
  return true;
}

lm_status lm_mat5_integers(lm_mat5 *r, lm_tensor **out, const char *what, lm_err *e) {
  lm_mat5_element el;
  lm_raw raw = LM_RAW_I32;
  lm_status status = lm_mat5_begin(r, &el, what, e);
  if (status != LM_OK) return status;
  if (el.type != MI_INT32 && el.type != MI_UINT32)
    return lm_fail(e, LM_ERR_FORMAT, "%s: %s is of type %" PRIu32 ", expected int32 (5)", r->s->name, what, el.type);
  const int64_t n = el.from->left / 4;
  status = lm_elements_read(out, el.from, raw, r->big, 1, &n, e);
  for (int64_t i = 0; i < n && status == LM_OK; i++)
    if (lm_tensor_get(*out, i) < 0)
      status = lm_fail(e, LM_ERR_FORMAT, "%s: %s holds %g, expected numbers of at least 0", r->s->name, what,
                       lm_tensor_get(*out, i));
  if (status == LM_OK) status = lm_mat5_end(r, &el, what, e);
  if (status == LM_OK) return LM_OK;
  lm_tensor_release(*out);
  *out = NULL;
  return status;
}

lm_status lm_mat5_name(lm_mat5 *r, char name[LM_MAT_NAME], const char *what, lm_err *e) {
  lm_mat5_element el;
  lm_status status = lm_mat5_begin(r, &el, what, e);
  if (status != LM_OK) return status;
  int64_t n = el.from->left;
  if ((el.type != MI_INT8 && el.type != MI_UINT8 && el.type != MI_UTF8) || n >= LM_MAT_NAME)
    return lm_fail(e, LM_ERR_FORMAT, "%s: %s is of type %" PRIu32 " with %" PRId64 " bytes, expected a short text",
                   r->s->name, what, el.type, n);
  status = lm_source_read(el.from, name, n, what, e);
  name[n] = 0;
  return status == LM_OK ? lm_mat5_end(r, &el, what, e) : status;
}
