/*!
 * \file fake_cuda/empty.cc
 * \brief A libcuda.so.1 from before all functions but one.
 */
#include "fake_cuda.h"

FAKE_EXPORT int cuInit(unsigned) { return 0; }
