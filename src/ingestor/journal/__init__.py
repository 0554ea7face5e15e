"""
The journal: what was listed, bought, learned and stored, in one local SQLite file.

`writer` owns the file, its `lock`, its `reserve` of room on the disk, and the one thread that touches it;
`reader` reads beside it. `schema` has the tables, `rows` writes many rows at once. The other files are
functions of a connection, each about one subject, to be run by the writer: `listing` about what was listed,
`silence` about what a page leaves unsaid, `pending` about what waits for an annotation, `ledger` about
purchases, `results` about annotations, `dead` about failures, `withdrawals` about what left; `coverage` and
`rechecks` about how far a pool was read, `claims` about what others do, `elsewhere` and `reconciling` about
what the database has, `recovery` about what the last run left, `past` about what is summed up, `facts` about
the journal itself. `runs`, `counts`, `doubts` and `standing` are what is told. Image bytes never come here.

Rule of the room: nothing is awaited but the writer, and nothing here knows an upstream.
"""
