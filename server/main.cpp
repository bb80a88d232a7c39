#include "commands/commands.h"

int main(int argc, char** argv) { return simpleim::commands::run(argc, argv); }
