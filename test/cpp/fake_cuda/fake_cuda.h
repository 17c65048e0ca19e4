/*!
 * \file fake_cuda.h
 * \brief What the two fake libraries share.
 */
#ifndef NODE_MLC_TEST_FAKE_CUDA_H_
#define NODE_MLC_TEST_FAKE_CUDA_H_

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

/*! \brief CUDA_ERROR_NOT_SUPPORTED: of all that the tests do not need. */
constexpr int kNotSupported = 801;
constexpr int kInvalidContext = 201;
constexpr int kNotFound = 500;

/*! \brief Number of the GPU of the calling thread; -1 before one is chosen. */
FAKE_EXPORT int* fake_cuda_current();
/*! \brief Number of the GPUs in FAKE_CUDA_CAPABILITIES. */
FAKE_EXPORT int fake_cuda_count();

#endif  // NODE_MLC_TEST_FAKE_CUDA_H_
