/*!
 * \file support/cpu_features.h
 * \brief What the running processor can do, in LLVM's names.
 */
#ifndef NODE_MLC_SUPPORT_CPU_FEATURES_H_
#define NODE_MLC_SUPPORT_CPU_FEATURES_H_

#include <string>
#include <vector>

namespace node_mlc {

/*!
 * \brief LLVM feature names that processor and operating system support, sorted.
 *
 * Vector extensions count only when the system saves their registers (XCR0 on x86). AMX is left
 * out: a process must ask the kernel for it first, and no kernel of ours does.
 */
std::vector<std::string> CpuFeatures();

/*! \brief The processor's own name for people ("AMD EPYC 9R14"), or the architecture when it has
 * none. */
std::string CpuName();

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_CPU_FEATURES_H_
