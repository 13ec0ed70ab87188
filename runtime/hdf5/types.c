/* types.c: HDF5's types: what they are called, and how their elements are handed over. */
#include "worker.h"

#include <stdio.h>
#include <string.h>

/* h5py writes bool as an enum of FALSE 0 and TRUE 1 on int8. */
static bool is_bool(hid_t type) {
  bool yes = H5Tget_nmembers(type) == 2 && H5Tget_size(type) == 1;
  for (unsigned i = 0; yes && i < 2; i++) {
    char *name = H5Tget_member_name(type, i);
    signed char value = -1;
    yes = name && !strcmp(name, i ? "TRUE" : "FALSE") && H5Tget_member_value(type, i, &value) >= 0 && value == (int)i;
    H5free_memory(name);
  }
  return yes;
}

static bool integer_raw(size_t size, bool sign, lm_raw *raw) {
  static const lm_raw raws[2][4] = {{LM_RAW_U8, LM_RAW_U16, LM_RAW_U32, LM_RAW_U64},
                                    {LM_RAW_I8, LM_RAW_I16, LM_RAW_I32, LM_RAW_I64}};
  int log = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
  if (log >= 0) *raw = raws[sign][log];
  return log >= 0;
}

static bool number_raw(hid_t type, lm_raw *raw) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
  case H5T_INTEGER:
    return integer_raw(size, H5Tget_sign(type) == H5T_SGN_2, raw);
  case H5T_BITFIELD:
    return integer_raw(size, false, raw);
  case H5T_FLOAT:
    *raw = size == 4 ? LM_RAW_F32 : LM_RAW_F64;
    return size == 4 || size == 8;
  case H5T_ENUM: {
    if (is_bool(type)) {
      *raw = LM_RAW_BOOL;
      return true;
    }
    hid_t base = H5Tget_super(type);
    bool good = base >= 0 && number_raw(base, raw);
    if (base >= 0) H5Tclose(base);
    return good;
  }
  default:
    return false;
  }
}

/* Two floats of one type called r and i (h5py), real and imag (MATLAB) or re and im, one behind the other. */
static bool is_complex(hid_t type, lm_raw *raw) {
  static const char *const names[3][2] = {{"r", "i"}, {"real", "imag"}, {"re", "im"}};
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2) return false;
  bool good = false;
  char *a = H5Tget_member_name(type, 0), *b = H5Tget_member_name(type, 1);
  for (int k = 0; k < 3 && a && b; k++) good |= !strcmp(a, names[k][0]) && !strcmp(b, names[k][1]);
  H5free_memory(a);
  H5free_memory(b);
  lm_raw second;
  hid_t first = H5Tget_member_type(type, 0), other = H5Tget_member_type(type, 1);
  good = good && first >= 0 && other >= 0 && H5Tget_class(first) == H5T_FLOAT && number_raw(first, raw) &&
         H5Tget_class(other) == H5T_FLOAT && number_raw(other, &second) && second == *raw &&
         H5Tget_member_offset(type, 0) == 0 && H5Tget_member_offset(type, 1) == (size_t)lm_raw_size(*raw) &&
         H5Tget_size(type) == 2 * (size_t)lm_raw_size(*raw);
  if (first >= 0) H5Tclose(first);
  if (other >= 0) H5Tclose(other);
  return good;
}

form type_form(hid_t type, lm_raw *raw) {
  if (number_raw(type, raw)) return FORM_NUMBER;
  if (is_complex(type, raw)) return FORM_COMPLEX;
  switch (H5Tget_class(type)) {
  case H5T_STRING:
    return FORM_STRING;
  case H5T_COMPOUND:
    return FORM_RECORD;
  case H5T_ARRAY:
    return FORM_ARRAY;
  case H5T_VLEN:
    return FORM_VLEN;
  case H5T_REFERENCE:
    return FORM_REFERENCE;
  case H5T_OPAQUE:
    return FORM_OPAQUE;
  default:
    return FORM_OTHER;
  }
}

hid_t type_memory(hid_t stored) {
  if (H5Tget_class(stored) == H5T_FLOAT && H5Tget_size(stored) > 8) return H5Tcopy(H5T_NATIVE_DOUBLE);
  return H5Tget_native_type(stored, H5T_DIR_ASCEND);
}

void type_name(hid_t stored, char *out, size_t room) {
  static const char *const names[H5T_NCLASSES] = {
      [H5T_TIME] = "time",   [H5T_STRING] = "string", [H5T_OPAQUE] = "opaque",      [H5T_COMPOUND] = "compound",
      [H5T_ARRAY] = "array", [H5T_VLEN] = "vlen",     [H5T_REFERENCE] = "reference"};
  H5T_class_t class = H5Tget_class(stored);
  unsigned bits = (unsigned)H5Tget_size(stored) * 8;
  lm_raw raw;
  if (class == H5T_INTEGER)
    snprintf(out, room, "%sint%u", H5Tget_sign(stored) == H5T_SGN_2 ? "" : "u", bits);
  else if (class == H5T_FLOAT)
    snprintf(out, room, "float%u", bits);
  else if (class == H5T_BITFIELD)
    snprintf(out, room, "bitfield%u", bits);
  else if (class == H5T_ENUM && is_bool(stored))
    snprintf(out, room, "bool");
  else if (class == H5T_ENUM) {
    hid_t base = H5Tget_super(stored);
    char inner[32] = "";
    if (base >= 0 && H5Tget_class(base) == H5T_INTEGER) type_name(base, inner, sizeof inner);
    if (base >= 0) H5Tclose(base);
    snprintf(out, room, "enum %s", inner);
  } else {
    hid_t memory = class == H5T_COMPOUND ? type_memory(stored) : -1;
    if (memory >= 0 && is_complex(memory, &raw))
      snprintf(out, room, "complex%u", bits);
    else
      snprintf(out, room, "%s", class >= 0 && class < H5T_NCLASSES && names[class] ? names[class] : "unknown");
    if (memory >= 0) H5Tclose(memory);
  }
}
