"""
A run put together and carried out, and what several processes that share a state directory or a
database tell each other.

`local` opens what a run needs, `run` puts its parts together, `following` is the front door of one that
follows a group. `ceilings` says what it may spend, `adoption` what the database knows already, `gauges`
what binds it, `hearing` what becomes of one whose listener fails; `book` writes down what becomes of its
photos, `ending` how it ended, `accounts` makes its figures, and `forecast` tells its price beforehand. `leases`
leaves each group to one buyer, `reconcile` makes journal and database agree: `sides` compares their photos,
`index` what these are filed under. `beats` keeps the small files in which `heartbeat` says how a run is doing
and `pulse` how a worker is.
"""
