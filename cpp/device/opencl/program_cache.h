/*!
 * \file device/opencl/program_cache.h
 * \brief Built programs on disk: a driver takes seconds to compile the kernels of a model.
 */
#ifndef NODE_MLC_DEVICE_OPENCL_PROGRAM_CACHE_H_
#define NODE_MLC_DEVICE_OPENCL_PROGRAM_CACHE_H_

#include <cstdint>
#include <string>

#include "device/opencl/device.h"

namespace node_mlc::opencl {

/*! \brief How many programs of this process came from where. */
struct ProgramCounts {
  uint64_t built = 0;
  uint64_t loaded = 0;
};

/*!
 * \brief Chooses the folder of the programs for the whole process; there is none until then.
 * \param folder UTF-8; empty turns the cache off.
 * \param always Also for drivers that keep compiled kernels themselves.
 */
void SetProgramCache(const std::string& folder, bool always);

ProgramCounts CountPrograms();

/*!
 * \brief A program from the cache, built and ready, or nullptr. The caller releases it.
 * \param options Of the compiler; part of the key, as are device, driver and source.
 */
cl_program LoadProgram(Device& device, const std::string& source, const char* options);

/*! \brief Keeps a program that was built from `source`, if the cache is to. Never fails. */
void StoreProgram(Device& device, const std::string& source, const char* options,
                  cl_program program);

}  // namespace node_mlc::opencl

#endif  // NODE_MLC_DEVICE_OPENCL_PROGRAM_CACHE_H_
