"""
Four functions of one shape, in the order photos travel.

Each reads one channel and owns the next: it closes what it owns by leaving the block. What it needs
of the outside comes as functions, so that a stage is tested with a lambda.
"""
