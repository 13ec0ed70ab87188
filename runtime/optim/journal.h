/* journal.h: what a training step has changed before it is done.
 *
 * Running statistics change in the forward pass, weights in the optimiser's update. For a step that is interrupted in
 * between to leave everything as it was before it, what changes early is noted here with its contents; the update
 * that ends the step commits, an interrupt restores. */
#ifndef LM_OPTIM_JOURNAL_H
#define LM_OPTIM_JOURNAL_H

#include "tensor/tensor.h"

/* Keeps the contents of a leaf that is about to be changed, unless they are kept already. */
lm_status lm_journal_note(lm_tensor *t, lm_err *e);

/* What was noted stays as it is now. */
void lm_journal_commit(void);

/* What was noted gets its contents back; cannot fail and is not interrupted. */
void lm_journal_restore(void);

#endif
