/* mat5_element.h: the elements that a MATLAB 5 file is made of: a tag (type, bytes), the data, and what fills them up
 * to a multiple of 8; up to 4 bytes of data may stand in the tag itself. `what` names the element in messages. */
#ifndef LM_IO_MAT5_ELEMENT_H
#define LM_IO_MAT5_ELEMENT_H

#include "io/mat_parts.h"

enum { MI_INT8 = 1, MI_UINT8, MI_INT16, MI_UINT16, MI_INT32, MI_UINT32, MI_MATRIX = 14, MI_COMPRESSED };
enum { MI_UTF8 = 16, MI_UTF16, MI_UTF32 };

typedef struct lm_mat5 {
  lm_source *s; /* ends where the enclosing element ends */
  bool big;
  int depth;      /* of matrices within matrices */
  int64_t values; /* so far */
} lm_mat5;

/* An element that is being read: `from` gives its bytes and ends where they end. */
typedef struct lm_mat5_element {
  uint32_t type;
  lm_source *from, own;
  unsigned char tag[8];
  int64_t after, fill; /* bytes of the enclosing element behind the data, and of these what only fills up */
} lm_mat5_element;

lm_status lm_mat5_begin(lm_mat5 *r, lm_mat5_element *el, const char *what, lm_err *e);

/* Passes over what of the data was not read, and what fills up. */
lm_status lm_mat5_end(lm_mat5 *r, lm_mat5_element *el, const char *what, lm_err *e);

/* The stored type of numbers that an element's type means; false where it is none. */
bool lm_mat5_stored_as(uint32_t type, lm_raw *raw);

/* A whole element of whole numbers of at least 0 as a new int64 tensor of one axis. */
lm_status lm_mat5_integers(lm_mat5 *r, lm_tensor **out, const char *what, lm_err *e);

/* A whole element of characters as a text; longer ones are refused. */
lm_status lm_mat5_name(lm_mat5 *r, char name[LM_MAT_NAME], const char *what, lm_err *e);

#endif
