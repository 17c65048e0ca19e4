/*!
 * \file engine/device_memory.cc
 */
#include "engine/device_memory.h"

#include <tvm/ffi/function.h>

#include "support/ffi_error.h"

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

constexpr DLDataType kByte{kDLUInt, 8, 1};

/*! \brief A run of bytes as TVM's copy takes it; `count` outlives it. */
DLTensor Bytes(void* data, DLDevice device, int64_t offset, int64_t* count) {
  return DLTensor{data, device, 1, kByte, count, nullptr, static_cast<uint64_t>(offset)};
}

void Copy(DLTensor* from, DLTensor* to) {
  try {
    ffi::Function::GetGlobalRequired("runtime.TVMTensorCopyFromTo")(from, to);
  } catch (const ffi::Error& error) {
    throw CodedFfiError(error);
  }
}

}  // namespace

ffi::Tensor AllocateTensor(const ffi::Shape& shape, DLDataType dtype, DLDevice device) {
  try {
    const auto allocate = ffi::Function::GetGlobalRequired("runtime.TVMTensorAllocWithScope");
    return allocate(shape, dtype, device, nullptr).cast<ffi::Tensor>();
  } catch (const ffi::Error& error) {
    throw CodedFfiError(error);
  }
}

void CopyToTensor(const void* from, int64_t bytes, const ffi::Tensor& to, int64_t offset) {
  DLTensor source = Bytes(const_cast<void*>(from), DLDevice{kDLCPU, 0}, 0, &bytes);
  const auto start = static_cast<int64_t>(to.byte_offset()) + offset;
  DLTensor target = Bytes(to.data_ptr(), to.device(), start, &bytes);
  Copy(&source, &target);
}

void CopyFromTensor(const ffi::Tensor& from, int64_t offset, void* to, int64_t bytes) {
  const auto start = static_cast<int64_t>(from.byte_offset()) + offset;
  DLTensor source = Bytes(from.data_ptr(), from.device(), start, &bytes);
  DLTensor target = Bytes(to, DLDevice{kDLCPU, 0}, 0, &bytes);
  Copy(&source, &target);
}

}  // namespace node_mlc
