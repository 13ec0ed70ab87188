/* version.h: the engine's version, and the version of its numbers, which no patch release changes. */
#ifndef LM_BASE_VERSION_H
#define LM_BASE_VERSION_H

#define LM_VERSION  "0.1.0"
#define LM_NUMERICS 2

#endif
