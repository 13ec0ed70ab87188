/* hdf5_child.h: the program lamina-hdf5 (runtime/hdf5) as a library, for fuzz_hdf5.c, which runs it in a process of
 * its own for each input. */
#ifndef HDF5_CHILD_H
#define HDF5_CHILD_H

#include <stddef.h>
#include <stdint.h>

/* The program's main, in a process that was forked for it; its descriptors are in place. Does not return. */
__attribute__((visibility("default"), noreturn)) void hdf5_child(char *const argv[]);

/* Before the first process: where the processes leave what code they ran. */
__attribute__((visibility("default"))) void hdf5_child_prepare(void);

/* Adds what code the latest process ran to what libFuzzer sees of this one, and forgets it. */
__attribute__((visibility("default"))) void hdf5_child_ran(void);

#endif
