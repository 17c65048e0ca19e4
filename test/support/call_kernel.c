/*
 * Calls one compiled kernel in a process without TVM: for processors that this machine only emulates. Linked with the kernel's
 * object file, it reads the arguments from the first file and writes the elements of all tensors, as the kernel left them, to the
 * second.
 *
 * The first file is int64 words, and bytes of tensors: the number of arguments; for each 0 and an integer, or 1, the DLPack type code,
 * bits, the number of dimensions, the dimensions and the elements.
 */
#include <dlpack/dlpack.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tvm/ffi/c_api.h>

enum { kMaxArguments = 16, kMaxDimensions = 8, kAlignment = 64, kTasks = 3 };

typedef struct {
  void* sync_handle;
  int32_t num_task;
} ParallelEnv;

typedef int (*ParallelTask)(int task, ParallelEnv* env, void* data);

/* What compiled code asks of TVM's runtime, by pointers that a loader fills; a kernel has only those it needs. */
extern int (*__TVMBackendParallelLaunch)(ParallelTask, void*, int) __attribute__((weak));
extern void* (*__TVMBackendAllocWorkspace)(int, int, uint64_t, int, int) __attribute__((weak));
extern int (*__TVMBackendFreeWorkspace)(int, int, void*) __attribute__((weak));

extern int32_t __tvm_ffi_kernel(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result);

static void Fail(const char* text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

/* The kernel checks its arguments and says here what is wrong with them. */
void TVMFFIErrorSetRaisedFromCStrParts(const char* kind, const char** parts, int32_t count) {
  fprintf(stderr, "%s: ", kind);
  for (int32_t i = 0; i < count; ++i) fputs(parts[i] == NULL ? "" : parts[i], stderr);
  fputc('\n', stderr);
}

/* The tasks one after another, more than one so that their ranges are tested. */
static int Launch(ParallelTask run, void* data, int tasks) {
  ParallelEnv env = {NULL, tasks == 0 ? kTasks : tasks};
  for (int task = 0; task < env.num_task; ++task) {
    if (run(task, &env, data) != 0) return -1;
  }
  return 0;
}

static void* Allocate(uint64_t bytes) {
  void* memory = NULL;
  if (posix_memalign(&memory, kAlignment, bytes == 0 ? kAlignment : bytes) != 0) Fail("no memory");
  return memory;
}

static void* AllocateWorkspace(int device_type, int device, uint64_t bytes, int code, int bits) {
  (void)device_type, (void)device, (void)code, (void)bits;
  return Allocate(bytes);
}

static int FreeWorkspace(int device_type, int device, void* memory) {
  (void)device_type, (void)device;
  free(memory);
  return 0;
}

static void Read(FILE* file, void* to, size_t bytes) {
  if (fread(to, 1, bytes, file) != bytes) Fail("the file of arguments is too short");
}

static int64_t ReadWord(FILE* file) {
  int64_t word;
  Read(file, &word, sizeof(word));
  return word;
}

static size_t TensorBytes(const DLTensor* tensor) {
  size_t bytes = tensor->dtype.bits / 8;
  for (int32_t i = 0; i < tensor->ndim; ++i) bytes *= (size_t)tensor->shape[i];
  return bytes;
}

static void ReadTensor(FILE* file, DLTensor* tensor, int64_t* shape) {
  tensor->device.device_type = kDLCPU;
  tensor->dtype.code = (uint8_t)ReadWord(file);
  tensor->dtype.bits = (uint8_t)ReadWord(file);
  tensor->dtype.lanes = 1;
  tensor->ndim = (int32_t)ReadWord(file);
  tensor->shape = shape;
  for (int32_t i = 0; i < tensor->ndim; ++i) shape[i] = ReadWord(file);
  tensor->strides = shape + kMaxDimensions;
  int64_t stride = 1;
  for (int32_t i = tensor->ndim - 1; i >= 0; stride *= shape[i--]) tensor->strides[i] = stride;
  tensor->data = Allocate(TensorBytes(tensor));
  Read(file, tensor->data, TensorBytes(tensor));
}

int main(int argc, char** argv) {
  static TVMFFIAny arguments[kMaxArguments];
  static DLTensor tensors[kMaxArguments];
  static int64_t shapes[kMaxArguments][2 * kMaxDimensions];
  if (&__TVMBackendParallelLaunch != NULL) __TVMBackendParallelLaunch = Launch;
  if (&__TVMBackendAllocWorkspace != NULL) __TVMBackendAllocWorkspace = AllocateWorkspace;
  if (&__TVMBackendFreeWorkspace != NULL) __TVMBackendFreeWorkspace = FreeWorkspace;

  FILE* input = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (input == NULL) Fail("expected a file of arguments and one for the output");
  int32_t count = (int32_t)ReadWord(input);
  if (count < 1 || count > kMaxArguments) Fail("too many arguments");
  for (int32_t i = 0; i < count; ++i) {
    if (ReadWord(input) == 0) {
      arguments[i].type_index = kTVMFFIInt;
      arguments[i].v_int64 = ReadWord(input);
    } else {
      ReadTensor(input, &tensors[i], shapes[i]);
      arguments[i].type_index = kTVMFFIDLTensorPtr;
      arguments[i].v_ptr = &tensors[i];
    }
  }
  fclose(input);

  TVMFFIAny result = {0};
  if (__tvm_ffi_kernel(NULL, arguments, count, &result) != 0) Fail("the kernel failed");
  FILE* output = fopen(argv[2], "wb");
  if (output == NULL) Fail("the output could not be opened");
  for (int32_t i = 0; i < count; ++i) {
    if (tensors[i].data != NULL) fwrite(tensors[i].data, 1, TensorBytes(&tensors[i]), output);
  }
  if (ferror(output) || fclose(output) != 0) Fail("the output could not be written");
  return 0;
}
