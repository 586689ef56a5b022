"""The command lines: each parses, calls the rooms, and prints.

A command is one module with two functions: `parser(program)` makes its command line, and
`main(asked)` does what was asked for and returns the exit code. `asked` holds the options, and two
things about the call: `program` (what messages begin with) and `called` (how commands are called
here, `{}` for their name: `gdsweep {}`). Modules are light until `main` runs, so that `--help` is
instant.
"""

COMMANDS = {
    "launch": "train what the tables of some grids still lack",
    "collect": "rebuild tables and figures from whatever has finished",
    "data": "check whether a grid's data is read rightly",
    "predict": "draw the instances of photographs, and write them as COCO results",
    "convert": "write a checkpoint in another format",
    "inspect": "tell what a checkpoint is and whether all of it is known",
}
"""Commands, each a module beside this one, and what they do."""
