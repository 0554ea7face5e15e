"""
The journal: what was listed, bought, learned and stored, in one local SQLite file.

`writer` owns the file, its lock and the one thread that touches it; the other files are functions of
a connection, each about one subject, to be run by the writer. Image bytes never come here.

Rule of the room: nothing is awaited but the writer, and nothing here knows an upstream.
"""
