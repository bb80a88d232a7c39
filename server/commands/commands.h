#pragma once

/// The command line: `simpleim serve` and what stands beside it, one file a command.
namespace simpleim::commands {

/// Runs what the arguments ask for; returns the exit code. What is wrong goes to standard error, with what would be
/// right.
int run(int argc, char** argv);

}  // namespace simpleim::commands
