/* worker.h: the program lamina-hdf5, the one place where libhdf5 runs.
 *
 * libhdf5 is a large C library that crashes, loops or takes any amount of memory on malformed files (more than a
 * hundred CVEs), and labs exchange files. So the interpreter never loads it: it starts this program for each open
 * file, with a socket to itself at descriptor 3 and the file at descriptor 4, under limits on memory, processor time
 * and written bytes. What happens to it here is an error there. Starting it costs about 10 ms, most of
 * it the dynamic linker's work on libhdf5, whatever the interpreter's size; a fork of the interpreter would copy its
 * page tables, inherit its threads' locks, and could bear no limit on memory, because the limit counts what the
 * parent has. Measured on 2 busy cores: 400 MB of contiguous float32 come at 0.7 GB/s (h5py in one process: 1.0
 * to 1.4), 100 MB behind gzip in 1.1 s (h5py: 0.7).
 *
 * A request is a tree (io/tree_code.h), a table with `op` and what it needs; the answer is a tree or an error:
 *   list                                       every object: name -> { kind, dtype, shape, layout, chunks, filters }
 *   read        path, start, count (shapes)    the values of a dataset, or of a block of it (start from 0)
 *   attributes  path                           name -> values
 *   write       contents, attributes, compress the whole file
 * Other files are never opened: external links, external storage and virtual datasets over other files are refused,
 * and filters come from libhdf5 itself (and LZF, lzf.c), from elsewhere only where HDF5_PLUGIN_PATH names a folder.
 */
#ifndef LM_HDF5_WORKER_H
#define LM_HDF5_WORKER_H

#define H5_USE_110_API
#include "io/channel.h"
#include "io/tree_code.h"

#include <hdf5.h>

enum { WORKER_SOCKET = 3, WORKER_FILE = 4 };
#define WORKER_PATH "/proc/self/fd/4"

typedef struct worker {
  lm_channel *channel;
  const char *name; /* the file's, for messages */
  hid_t file;
  int64_t size; /* of the file */
} worker;

/* ---- main.c -----------------------------------------------------------------------------------------------------
 */

/* Allows the processor time and memory that handling so many bytes may take, from now on. */
void worker_allow(int64_t bytes);

/* What libhdf5 says of its latest failure, innermost first; "NAME: WHAT: ..." as an LM_ERR_FORMAT. */
lm_status worker_failed(const worker *w, const char *what, lm_err *e);

/* An answer's pieces: lm_tree_put_* to the channel. */
static inline lm_status worker_item(worker *w, const char *name, lm_err *e) {
  return lm_tree_put_item(name, lm_channel_put, w->channel, e);
}
lm_status worker_text(worker *w, const char *text, lm_err *e);

/* ---- blame.c ----------------------------------------------------------------------------------------------------
 */

/* From now on a crash inside libhdf5 ends the program with the exit status LM_HDF5_CRASHED + signal. */
void worker_blame(void);

/* Asked by whoever was called about an error in this process: ends the program so where the error is libhdf5's, and
 * returns where it is not. */
void worker_crashed(int signal);

/* ---- types.c ----------------------------------------------------------------------------------------------------
 */

/* How the elements of a type are handed over. */
typedef enum form {
  FORM_NUMBER,  /* of the stored type `raw` */
  FORM_COMPLEX, /* two numbers r and i, one behind the other */
  FORM_STRING,
  FORM_RECORD, /* a compound of other things */
  FORM_ARRAY,
  FORM_VLEN,
  FORM_REFERENCE,
  FORM_OPAQUE,
  FORM_OTHER
} form;

form type_form(hid_t type, lm_raw *raw);

/* The type that elements of a stored type have in memory; H5Tclose it. Negative where there is none. */
hid_t type_memory(hid_t stored);

/* A name such as "float32", "int16", "bool", "complex64", "string", "compound"; enum types are "enum int8". */
void type_name(hid_t stored, char *out, size_t room);

/* ---- values.c ---------------------------------------------------------------------------------------------------
 */

/* Sends `count` elements of a memory type, `stride` bytes apart, as a value of a shape. */
lm_status values_put(worker *w, hid_t type, const char *base, size_t stride, int64_t count, int ndim,
                     const int64_t *shape, int depth, lm_err *e);

/* ---- read.c, list.c, write.c, lzf.c: the operations -------------------------------------------------------------
 */

lm_status read_dataset(worker *w, const lm_tree *request, lm_err *e);
lm_status read_attributes(worker *w, const lm_tree *request, lm_err *e);
lm_status list_objects(worker *w, lm_err *e);
lm_status write_file(worker *w, const lm_tree *request, lm_err *e);

/* scales.c: the attribute DIMENSION_LIST of objects, the names of datasets of one axis, one for each axis, as
 * references, and back as REFERENCE_LIST of those that have attributes of their own. */
lm_status attach_scales(const worker *w, hid_t file, const lm_tree *attributes, lm_err *e);

/* What the layout, chunks and filters of a dataset are, as items of a table. */
void filter_name(H5Z_filter_t id, const char *stored, char *out, size_t room);

/* Registers LZF, the filter that h5py adds; false where libhdf5 refuses. */
bool lzf_register(void);

#endif
