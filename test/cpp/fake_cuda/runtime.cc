/*!
 * \file fake_cuda/runtime.cc
 * \brief A libcudart.so.13 beside the fake driver: its memory is the process's.
 */
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "fake_cuda.h"

FAKE_EXPORT int cudaGetDeviceCount(int* count) {
  *count = fake_cuda_count();
  return 0;
}

FAKE_EXPORT int cudaSetDevice(int device) {
  *fake_cuda_current() = device;
  return 0;
}

FAKE_EXPORT int cudaGetDevice(int* device) {
  *device = *fake_cuda_current() < 0 ? 0 : *fake_cuda_current();
  return 0;
}

FAKE_EXPORT int cudaDeviceGetAttribute(int* value, int, int) {
  *value = 1024;
  return 0;
}

FAKE_EXPORT int cudaMalloc(void** pointer, size_t size) {
  *pointer = std::aligned_alloc(256, (size + 255) / 256 * 256);
  return 0;
}

FAKE_EXPORT int cudaFree(void* pointer) {
  std::free(pointer);
  return 0;
}

FAKE_EXPORT int cudaMemcpyAsync(void* to, const void* from, size_t size, int, void*) {
  std::memcpy(to, from, size);
  return 0;
}

FAKE_EXPORT int cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = size_t{24} << 30;
  return 0;
}

FAKE_EXPORT int cudaStreamSynchronize(void*) { return 0; }
FAKE_EXPORT int cudaGetLastError() { return 0; }
FAKE_EXPORT int cudaPeekAtLastError() { return 0; }
FAKE_EXPORT const char* cudaGetErrorString(int) { return "fake error"; }
FAKE_EXPORT const char* cudaGetErrorName(int) { return "cudaErrorFake"; }

#define NOT_SUPPORTED(name) \
  FAKE_EXPORT int name() { return kNotSupported; }
NOT_SUPPORTED(cudaEventCreate)
NOT_SUPPORTED(cudaEventDestroy)
NOT_SUPPORTED(cudaEventElapsedTime)
NOT_SUPPORTED(cudaEventRecord)
NOT_SUPPORTED(cudaEventSynchronize)
NOT_SUPPORTED(cudaFreeHost)
NOT_SUPPORTED(cudaGetDeviceProperties)
NOT_SUPPORTED(cudaGraphDestroy)
NOT_SUPPORTED(cudaGraphExecDestroy)
NOT_SUPPORTED(cudaGraphInstantiate)
NOT_SUPPORTED(cudaGraphLaunch)
NOT_SUPPORTED(cudaMallocHost)
NOT_SUPPORTED(cudaMemcpyPeerAsync)
NOT_SUPPORTED(cudaStreamBeginCapture)
NOT_SUPPORTED(cudaStreamCreate)
NOT_SUPPORTED(cudaStreamCreateWithFlags)
NOT_SUPPORTED(cudaStreamDestroy)
NOT_SUPPORTED(cudaStreamEndCapture)
NOT_SUPPORTED(cudaStreamWaitEvent)
