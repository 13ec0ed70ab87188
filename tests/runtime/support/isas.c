/* isas.c: see isas.h. */
#include "isas.h"

#include "base/cpu.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int failed_under_other_isas(int argc, char **argv) {
  int failed = 0;
  for (int isa = 0; isa < LM_ISAS && argc == 1 && !getenv("LAMINA_ISA"); isa++) {
    const char *name = lm_isa_name((lm_isa)isa);
    if ((lm_isa)isa == lm_cpu_isa() || !lm_cpu_has((lm_isa)isa)) continue;
    pid_t child = fork();
    if (child == 0) {
      setenv("LAMINA_ISA", name, 1);
      execl("/proc/self/exe", argv[0], name, (char *)NULL);
      _exit(127);
    }
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) failed++;
  }
  return failed;
}
