/*!
 * \file check.h
 * \brief The few lines of a test framework that these tests need.
 */
#ifndef NODE_MLC_TEST_CPP_CHECK_H_
#define NODE_MLC_TEST_CPP_CHECK_H_

#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace node_mlc_test {

struct Test {
  std::string name;
  std::function<void()> body;
};

inline std::vector<Test>& AllTests() {
  static std::vector<Test> tests;
  return tests;
}

struct Registration {
  Registration(std::string name, std::function<void()> body) {
    AllTests().push_back({std::move(name), std::move(body)});
  }
};

[[noreturn]] inline void Fail(const char* file, int line, const std::string& text) {
  std::ostringstream message;
  message << file << ":" << line << ": " << text;
  throw std::runtime_error(message.str());
}

template <typename A, typename B>
void CheckEqual(const A& actual, const B& expected, const char* text, const char* file, int line) {
  if (actual == expected) return;
  std::ostringstream message;
  message << text << ": received " << actual << ", expected " << expected;
  Fail(file, line, message.str());
}

}  // namespace node_mlc_test

#define NODE_MLC_CONCAT_(a, b) a##b
#define NODE_MLC_CONCAT(a, b) NODE_MLC_CONCAT_(a, b)

/*! \brief TEST("what holds") { ... } */
#define TEST(name)                                                                \
  static void NODE_MLC_CONCAT(TestBody, __LINE__)();                              \
  static const node_mlc_test::Registration NODE_MLC_CONCAT(registered, __LINE__)( \
      name, &NODE_MLC_CONCAT(TestBody, __LINE__));                                \
  static void NODE_MLC_CONCAT(TestBody, __LINE__)()

#define CHECK(condition)                                                                \
  do {                                                                                  \
    if (!(condition)) node_mlc_test::Fail(__FILE__, __LINE__, "not true: " #condition); \
  } while (false)

#define CHECK_EQUAL(actual, expected) \
  node_mlc_test::CheckEqual((actual), (expected), #actual, __FILE__, __LINE__)

/*! \brief The statement throws an exception of this type; its text is left in `message`. */
#define CHECK_THROWS(type, statement, message)                                                     \
  std::string message;                                                                             \
  do {                                                                                             \
    bool thrown = false;                                                                           \
    try {                                                                                          \
      statement;                                                                                   \
    } catch (const type& error) {                                                                  \
      thrown = true;                                                                               \
      message = error.what();                                                                      \
    }                                                                                              \
    if (!thrown) node_mlc_test::Fail(__FILE__, __LINE__, "does not throw " #type ": " #statement); \
  } while (false)

#endif  // NODE_MLC_TEST_CPP_CHECK_H_
