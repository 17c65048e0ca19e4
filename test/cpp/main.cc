/*!
 * \file main.cc
 * \brief Runs all tests, or those whose name contains the first argument.
 */
#include <cstdio>
#include <exception>
#include <string>

#include "check.h"

int main(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  int failed = 0, run = 0;
  for (const node_mlc_test::Test& test : node_mlc_test::AllTests()) {
    if (test.name.find(filter) == std::string::npos) continue;
    ++run;
    try {
      test.body();
      std::printf("ok    %s\n", test.name.c_str());
    } catch (const std::exception& error) {
      ++failed;
      std::printf("FAIL  %s\n      %s\n", test.name.c_str(), error.what());
    }
    std::fflush(stdout);
  }
  std::printf("%d tests, %d failed\n", run, failed);
  return failed == 0 && run > 0 ? 0 : 1;
}
