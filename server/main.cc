// dmld: reads the command line, then serves, issues a certificate or prints.
#include "server/runtime/program.h"

int main(int argc, char** argv) { return dml::RunProgram(argc, argv); }
