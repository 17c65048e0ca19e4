/*!
 * \file support/processors.h
 * \brief How many threads of computation the system has room for.
 */
#ifndef NODE_MLC_SUPPORT_PROCESSORS_H_
#define NODE_MLC_SUPPORT_PROCESSORS_H_

#include <string>

namespace node_mlc {

/*! \brief Logical processors this process may run on (its affinity mask on Linux and Windows); at
 * least 1. */
int UsableProcessors();

/*!
 * \brief Threads to compute with unless the user says otherwise: the physical cores among the
 * usable processors, because two threads of one core share its vector units, and no more than the
 * CPU quota of the process's control groups, beyond which the system stops all of its threads at
 * once.
 *
 * On Apple's processors the performance cores alone: work is split evenly, so the slowest thread
 * counts. At least 1. Asks the system each time.
 */
int DefaultThreads();

/*!
 * \brief The CPU quota of a Linux process in whole processors, at least 1, or 0 where there is
 * none.
 *
 * `self` is the text of /proc/self/cgroup, `mount` the folder /sys/fs/cgroup; the limits of all
 * groups above count too. Versions 1 and 2.
 */
int QuotaProcessors(const std::string& self, const std::string& mount);

}  // namespace node_mlc

#endif  // NODE_MLC_SUPPORT_PROCESSORS_H_
