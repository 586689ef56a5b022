"""The command lines: each parses, calls the rooms, and prints.

A command is one module with two functions: `parser(program)` makes its command line, and
`main(asked)` does what was asked for and returns the exit code. `asked` holds the options, and two
things about the call: `program` (what messages begin with) and `called` (how commands are called
here, `{}` for their name: `gdsweep {}`). Modules are light until `main` runs, so that `--help` is
instant.
"""
