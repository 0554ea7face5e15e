"""
Four functions of one shape, in the order photos travel.

They are `discover`, `download`, `annotate` and `store`; `follow` is another way to discover, where a group is
followed, and `blame` says whose fault it is that pictures do not come.

Each reads one channel and owns the next: it closes what it owns by leaving the block. What it needs
of the outside comes as functions, so that a stage is tested with a lambda.
"""
