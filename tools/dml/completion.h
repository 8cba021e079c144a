// Completion of commands and options in shells, made from the tree of commands itself.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace dml {

/// One command and the words that may follow it.
struct CompletionNode {
  std::string path;  // " package get", with a blank before each word; "" for the program.
  struct Word {
    std::string text;  // "get", or "--out".
    std::string description;
    bool takes_value = false;  // An option that is followed by a value.
    std::string values;        // "table json": the only values there are; else empty.
  };
  std::vector<Word> words;  // Its subcommands, then its options, then the global options.
};

/// The program first, then every command, depth first.
std::vector<CompletionNode> CompletionNodes(const CLI::App& root);

std::string BashCompletion(const CLI::App& root);
std::string ZshCompletion(const CLI::App& root);
std::string FishCompletion(const CLI::App& root);

}  // namespace dml
