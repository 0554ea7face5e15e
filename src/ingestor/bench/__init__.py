"""
What this costs and how fast it goes, measured on this machine against the sandbox.

`scenarios` says what is measured, `rounds` starts the processes, `client` is the process that is
measured, `figures` makes numbers of what it said, `table` and `page` show them.

Rule of the room: nothing in here prints; the one that is measured shares its process with nobody.
"""
