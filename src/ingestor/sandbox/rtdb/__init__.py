"""
The Realtime Database, played on loopback from the vendor's documents.

Rule of the room: `keys`, `nodes`, `tree`, `queries`, `rules` and `expressions` are values and
functions, without a clock, a socket or a wait; `database` holds what they describe, and only
`app`, `streaming`, `misbehaviour` and `snapshot` await.

Where the vendor's behaviour is not documented, the code says so and the choice is ours.
"""
