/*!
 * \file grammar/xgrammar.cc
 *
 * The library of xgrammar's wheel speaks TVM's FFI: its classes are registered by reflection, their
 * constructors as the method __ffi_init__. So it is used without its headers and without linking.
 */
#include "grammar/xgrammar.h"

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/string.h>

#include <optional>
#include <utility>

#include "support/coded_error.h"
#include "support/own_library.h"

namespace node_mlc {

namespace {

namespace ffi = tvm::ffi;

/*! \brief Threads that compile one grammar: little enough to leave the model its cores. */
constexpr int kThreads = 1;
/*! \brief Longest run of whitespace between the parts of a JSON text; without a limit a weak model
 * may write nothing else. */
constexpr int kMostWhitespace = 8;
constexpr bool kAnyWhitespace = true;
/*! \brief Not the library's strict mode: what the schema does not mention is allowed. */
constexpr bool kStrict = false;
constexpr bool kAnyOrder = false;
/*! \brief The first rule of what the library makes of schemas and structural tags. */
constexpr char kRootRule[] = "root";
/*! \brief xgrammar's VocabType::RAW: tokens are given as the bytes they stand for. */
constexpr int kRawVocabulary = 0;

/*! \brief A method of one of xgrammar's classes; throws ERR_NATIVE where there is none. */
ffi::Function Method(const char* type, const char* name) {
  try {
    return ffi::reflection::GetMethod(std::string("xgrammar.tvm_ffi_binding.") + type, name);
  } catch (const ffi::Error& error) {
    throw CodedError("ERR_NATIVE",
                     std::string("Expected xgrammar 0.2.8 beside the addon but its ") + type +
                         " has no " + name + ": reinstall node-mlc.");
  }
}

/*! \brief The methods, looked up once. */
struct Library {
  ffi::Function new_tokenizer_info = Method("TokenizerInfo", "__ffi_init__");
  ffi::Function new_compiler = Method("GrammarCompiler", "__ffi_init__");
  ffi::Function compile_json_schema = Method("GrammarCompiler", "compile_json_schema");
  ffi::Function json_schema_grammar = Method("Grammar", "from_json_schema");
  ffi::Function structural_tag_grammar = Method("Grammar", "from_structural_tag");
  ffi::Function grammar_text = Method("Grammar", "to_string");
  ffi::Function compile_ebnf = Method("GrammarCompiler", "compile_grammar_from_strings");
  ffi::Function compile_regex = Method("GrammarCompiler", "compile_regex");
  ffi::Function compile_structural_tag = Method("GrammarCompiler", "compile_structural_tag");
  ffi::Function memory_size_bytes = Method("CompiledGrammar", "memory_size_bytes");
  ffi::Function new_matcher = Method("GrammarMatcher", "__ffi_init__");
  ffi::Function fill = Method("GrammarMatcher", "fill_next_token_bitmask");
  ffi::Function accept = Method("GrammarMatcher", "accept_token");

  /*! \brief Loads the library at the first call that succeeds; any thread. */
  static const Library& Global() {
    // Never destroyed: matchers may go while the process exits.
    static const Library* library = (Load(), new Library());
    return *library;
  }

 private:
  static void Load() {
    const std::string path = SiblingLibrary("xgrammar_bindings");
    const std::string reason = LoadLibraryFile(path);
    if (reason.empty()) return;
    throw CodedError("ERR_NATIVE",
                     "Expected xgrammar at " + path +
                         " for a request with a grammar, but it does not load: " + reason +
                         ". Reinstall node-mlc, or run `npm run build` in a source "
                         "checkout.");
  }
};

ffi::Array<int64_t> IdArray(const std::vector<int32_t>& ids) {
  const std::vector<int64_t> wide(ids.begin(), ids.end());
  return ffi::Array<int64_t>(wide.begin(), wide.end());
}

/*! \brief A message of xgrammar without the time and the source line it begins with. */
std::string Reason(const std::string& message) {
  const std::string mark = ".cc:";
  const size_t source = message.find(mark);
  size_t begin = 0;
  if (message.rfind('[', 0) == 0 && source != std::string::npos) {
    begin = message.find(": ", source + mark.size());
    begin = begin == std::string::npos ? 0 : begin + 2;
  }
  const size_t end = message.find_last_not_of(" \n");
  return end == std::string::npos || end < begin ? "" : message.substr(begin, end + 1 - begin);
}

/*! \brief The grammar `text` with every string literal of a JSON text that is a name with this
 * prefix as a reference to the rule of that name. */
std::string WithRules(const std::string& text, const std::string& prefix) {
  const std::string open = "\"\\\"";
  const std::string close = "\\\"\"";
  std::string result;
  size_t done = 0;
  for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, done)) {
    const size_t end = text.find_first_not_of("0123456789", at + prefix.size());
    const bool is_literal = at >= done + open.size() && end != std::string::npos &&
                            text.compare(at - open.size(), open.size(), open) == 0 &&
                            text.compare(end, close.size(), close) == 0;
    if (!is_literal) {
      throw CodedError("ERR_NATIVE", "Expected the grammar of a schema to hold \"" + prefix +
                                         "\" as whole literals: reinstall node-mlc, whose xgrammar "
                                         "is another one.");
    }
    result.append(text, done, at - open.size() - done).append(text, at, end - at);
    done = end + close.size();
  }
  return result.append(text, done, std::string::npos);
}

class Matcher final : public GrammarMatcher {
 public:
  explicit Matcher(ffi::ObjectRef matcher) : matcher_(std::move(matcher)) {}

  void Fill(TokenMask* mask) override {
    // A view of the mask's words; the callee keeps no reference.
    int64_t shape[] = {1, mask->word_count()};
    int64_t strides[] = {mask->word_count(), 1};
    DLTensor tensor{mask->words(), {kDLCPU, 0}, 2, {kDLInt, 32, 1}, shape, strides, 0};
    Library::Global().fill(matcher_, ffi::TensorView(&tensor), 0, false);
  }

  bool Accept(int32_t token) override {
    return Library::Global().accept(matcher_, token, false).cast<bool>();
  }

 private:
  const ffi::ObjectRef matcher_;
};

class Compiled final : public CompiledGrammar {
 public:
  Compiled(ffi::ObjectRef grammar, std::vector<int32_t> stop_tokens)
      : grammar_(std::move(grammar)), stop_tokens_(std::move(stop_tokens)) {}

  std::unique_ptr<GrammarMatcher> Match(const std::vector<int32_t>& stop_tokens) const override {
    ffi::Any own_stops;  // None: the vocabulary's
    if (!stop_tokens.empty()) own_stops = IdArray(stop_tokens);
    constexpr bool kTerminateWithoutStop = false;
    constexpr int kUnlimitedRollback = -1;
    return std::make_unique<Matcher>(
        Library::Global()
            .new_matcher(grammar_, own_stops, kTerminateWithoutStop, kUnlimitedRollback, nullptr)
            .cast<ffi::ObjectRef>());
  }

  const std::vector<int32_t>& stop_tokens() const override { return stop_tokens_; }

  int64_t bytes() const override {
    return Library::Global().memory_size_bytes(grammar_).cast<int64_t>();
  }

 private:
  const ffi::ObjectRef grammar_;
  const std::vector<int32_t> stop_tokens_;
};

class Compiler final : public GrammarCompiler {
 public:
  explicit Compiler(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

  std::shared_ptr<const CompiledGrammar> Compile(const GrammarSource& source) override {
    const Library& library = Library::Global();
    if (!compiler_) Start(library);
    std::string reason;
    try {
      return std::make_shared<Compiled>(CompileWith(library, source).cast<ffi::ObjectRef>(),
                                        vocabulary_.stop_tokens);
    } catch (const ffi::Error& error) {
      reason = error.message();
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const CodedError&) {
      throw;
    } catch (const std::exception& error) {
      reason = error.what();
    }
    throw CodedError("ERR_INVALID_GRAMMAR",
                     "Expected a grammar that compiles but received one of which the compiler "
                     "says: " +
                         Reason(reason));
  }

 private:
  void Start(const Library& library) {
    ffi::Array<ffi::Any> tokens;
    tokens.reserve(static_cast<int64_t>(vocabulary_.tokens.size()));
    for (const std::string& token : vocabulary_.tokens) tokens.push_back(ffi::Bytes(token));
    constexpr bool kAddPrefixSpace = false;
    const ffi::Any info =
        library.new_tokenizer_info(tokens, kRawVocabulary, static_cast<int64_t>(tokens.size()),
                                   IdArray(vocabulary_.stop_tokens), kAddPrefixSpace);
    constexpr bool kCache = false;  // ours is bounded
    compiler_ = library.new_compiler(info, kThreads, kCache, -1).cast<ffi::ObjectRef>();
    vocabulary_.tokens = {};
  }

  ffi::Any CompileWith(const Library& library, const GrammarSource& source) {
    if (!source.rules.empty()) {
      const std::string text = library.grammar_text(GrammarOf(library, source)).cast<ffi::String>();
      return library.compile_ebnf(*compiler_, WithRules(text, source.prefix) + "\n" + source.rules,
                                  kRootRule);
    }
    switch (source.kind) {
      case GrammarSource::Kind::kEbnf:
        return library.compile_ebnf(*compiler_, source.text, source.root);
      case GrammarSource::Kind::kRegex:
        return library.compile_regex(*compiler_, source.text);
      case GrammarSource::Kind::kStructuralTag:
        return library.compile_structural_tag(*compiler_, source.text);
      default:
        break;
    }
    return library.compile_json_schema(*compiler_, source.text, kAnyWhitespace, nullptr, nullptr,
                                       kStrict, kMostWhitespace, kAnyOrder);
  }

  /*! \brief The grammar of a schema or of a structural tag before it is compiled. */
  static ffi::Any GrammarOf(const Library& library, const GrammarSource& source) {
    if (source.kind == GrammarSource::Kind::kStructuralTag) {
      return library.structural_tag_grammar(source.text);
    }
    constexpr bool kPrint = false;
    return library.json_schema_grammar(source.text, kAnyWhitespace, nullptr, nullptr, kStrict,
                                       kMostWhitespace, kPrint, kAnyOrder);
  }

  /*! \brief Its tokens until the first grammar. */
  Vocabulary vocabulary_;
  std::optional<ffi::ObjectRef> compiler_;
};

}  // namespace

std::unique_ptr<GrammarCompiler> MakeXGrammarCompiler(Vocabulary vocabulary) {
  return std::make_unique<Compiler>(std::move(vocabulary));
}

}  // namespace node_mlc
