/* arena.h: large pieces of memory, cut from long stretches of address space that the system fills as they are
 * touched.
 *
 * A piece is cut from the lowest free place where it fits, and free neighbours are one again: so a training step,
 * whose tensors differ in size, needs little more than what is live at its peak, and the second step finds what the
 * first one left. The allocator (memory.h) stands over it and holds its lock: not thread-safe by itself. */
#ifndef LM_BASE_ARENA_H
#define LM_BASE_ARENA_H

#include <stddef.h>

/* A piece of *size bytes at a multiple of 64, NULL where the system has none. *size may grow a little: the rest of a
 * place too small to be of use goes with it. *kept: how many of these bytes an earlier piece had, and the system has
 * not taken back. */
void *lm_arena_take(size_t *size, size_t *kept);

/* Gives a piece back, with the size that lm_arena_take left. All of it is kept. */
void lm_arena_give(void *piece, size_t size);

/* Gives what is kept back to the system; the number of bytes that were. */
size_t lm_arena_trim(void);

#endif
