/*!
 * \file grammar/xgrammar.h
 * \brief Grammars by xgrammar (Dong et al. 2024, arXiv 2411.15100), whose library is loaded when
 * the first one is compiled.
 */
#ifndef NODE_MLC_GRAMMAR_XGRAMMAR_H_
#define NODE_MLC_GRAMMAR_XGRAMMAR_H_

#include <memory>

#include "grammar/grammar.h"

namespace node_mlc {

/*! \brief A compiler that loads xgrammar and reads `vocabulary` with its first grammar. */
std::unique_ptr<GrammarCompiler> MakeXGrammarCompiler(Vocabulary vocabulary);

}  // namespace node_mlc

#endif  // NODE_MLC_GRAMMAR_XGRAMMAR_H_
