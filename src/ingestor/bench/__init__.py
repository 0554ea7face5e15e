"""
What this costs and how fast it goes, measured on this machine against the sandbox.

`scenarios` says what is measured; `rounds` has it measured, with `upstreams` at the far end and `runs` at
this one, where `client` is the process that is measured, `sampling` looks at it from inside, and `machine`
says what it ran on. `figures` makes numbers of what it said, `held` holds them against each other, `table` and
`page`, with its `charts`, show them. `counts` has `counted` count what a photo
costs by itself, where no busy machine changes it.

Rule of the room: nothing in here prints; the one that is measured shares its process with nobody.
"""
