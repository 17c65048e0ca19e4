/*!
 * \file engine/model_functions.cc
 */
#include "engine/model_functions.h"

#include <dlpack/dlpack.h>
#include <tvm/ffi/extra/module.h>

#include <cstring>
#include <memory>

#include "support/coded_error.h"
#include "support/mapped_file.h"

#ifdef __linux__
#include <elf.h>
#endif

namespace node_mlc {

namespace ffi = tvm::ffi;

namespace {

/*! \brief Allocators of the virtual machine as vm_initialization counts them: a pool. */
constexpr int kPooledAllocator = 2;

[[noreturn]] void ThrowInvalid(const std::string& path, const std::string& reason) {
  throw CodedError("ERR_INVALID_PACKAGE",
                   "Expected a compiled model library at " + path + " but " + reason + ".");
}

/*!
 * \brief Refuses a file that the dynamic linker would crash on: it maps a shared object by its
 * headers and gets a SIGBUS from a truncated one. The table of sections is what a linker writes
 * last.
 */
void CheckLibraryFile(const std::string& path) {
  std::shared_ptr<MappedFile> file = MappedFile::Open(path);
#if defined(__linux__) && defined(__LP64__)
  Elf64_Ehdr header;
  if (file->size() < sizeof(header)) ThrowInvalid(path, "it is too short for one");
  std::memcpy(&header, file->data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) ThrowInvalid(path, "it is none");
  const uint64_t sections = uint64_t{header.e_shnum} * header.e_shentsize;
  if (header.e_shoff > file->size() || sections > file->size() - header.e_shoff) {
    ThrowInvalid(path, "it is cut off");
  }
  const uint64_t segments = uint64_t{header.e_phnum} * header.e_phentsize;
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > file->size() ||
      segments > file->size() - header.e_phoff) {
    ThrowInvalid(path, "its headers are damaged");
  }
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, file->data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_offset > file->size() || segment.p_filesz > file->size() - segment.p_offset) {
      ThrowInvalid(path, "it is cut off");
    }
  }
#endif
}

/*! \brief Null where the library has none: it was compiled before there was such a function. */
ffi::Function ResolveIfThere(const ffi::Module& machine, const char* name) {
  ffi::Optional<ffi::Function> function = machine->GetFunction(name, false);
  return function.has_value() ? *function : ffi::Function();
}

ffi::Function Resolve(const ffi::Module& machine, const std::string& path, const char* name) {
  ffi::Function function = ResolveIfThere(machine, name);
  if (function == nullptr) {
    ThrowInvalid(path, std::string("it has no function '") + name +
                           "': it was compiled by another version of node-mlc, compile it again");
  }
  return function;
}

/*! \brief Tells a machine its devices: that of the kernels, and the host. */
void Initialize(const ffi::Function& initialize, DLDevice device) {
  constexpr int kHost = static_cast<int>(kDLCPU);
  if (device.device_type == kDLCPU) {
    initialize(kHost, 0, kPooledAllocator);
  } else {
    initialize(static_cast<int>(device.device_type), device.device_id, kPooledAllocator, kHost, 0,
               kPooledAllocator);
  }
}

}  // namespace

ModelFunctions ModelFunctions::Load(const std::string& path, bool encoder, DLDevice device) {
  CheckLibraryFile(path);
  ModelFunctions model;  // outside: an error may need code of the library to be destroyed
  try {
    ffi::Module library = ffi::Module::LoadFromFile(path);
    model.library = library;
    ffi::Optional<ffi::Function> load = library->GetFunction("vm_load_executable", true);
    if (!load.has_value()) ThrowInvalid(path, "it holds no model");
    ffi::Module machine = (*load)().cast<ffi::Module>();
    Initialize(Resolve(machine, path, "vm_initialization"), device);
    model.machine = machine;
    model.embed = Resolve(machine, path, "embed");
    if (encoder) {
      model.encode = Resolve(machine, path, "encode");
      return model;
    }
    model.decode = Resolve(machine, path, "decode");
    model.batch_decode = Resolve(machine, path, "batch_decode");
    model.batch_prefill = Resolve(machine, path, "batch_prefill");
    model.encode = ResolveIfThere(machine, "encode");
    return model;
  } catch (const ffi::Error& error) {
    ThrowInvalid(path, "it does not load: " + std::string(error.message()));
  }
}

}  // namespace node_mlc
