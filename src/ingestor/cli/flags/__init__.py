"""
Every flag of the command line, each with a help that teaches.

`what`, `bounds` and `ways` are those of a run, `of_worker`, `of_search`, `of_serve`, `of_dead` and
`of_bench` those of one command, `shared` those of several. `flag` is what they are made of; `like_a_run`
and `plain` are commands that take them in a way of their own, or tell of them in one.

Rule of the room: no flag has a default here. Only what was really typed is handed to the settings,
which know the environment and the defaults. The help repeats both; a test compares.
"""
