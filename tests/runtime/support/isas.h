/* isas.h: a test program run again under each lesser set of kernels, since a process keeps the one it starts with. */
#ifndef LM_TESTS_ISAS_H
#define LM_TESTS_ISAS_H

/* Runs this program under each other set that this processor and this build have, in a process of its own with the
 * set's name as its argument, and returns how many failed. Does nothing in those processes, or where LAMINA_ISA has
 * chosen. */
int failed_under_other_isas(int argc, char **argv);

#endif
