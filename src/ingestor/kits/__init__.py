"""
Tools that would be libraries of their own.

Work is passed on through a `channel`, in `batching` by the batch; a `crew` does it with one item in each
hand, `ahead` begins the next call early, `together` makes several, `aside` those that block; `beside` goes
on beside a block. `quota` grants permits under several limits per minute, each of which is a `dimension`;
`memory` grants bytes, `pacing` slots, `tempo` turns at an upstream whose limit nobody knows. `retrying`
tries again, a `breaker` only seldom while nobody is served, and a `lifetime` ends it all. `luck` judges
failures in a row, `intervals` and `paging` reckon with what is covered of a list; `amounts` writes for
people, and `listening` why a place cannot be listened on; `connections` bounds those of who comes there.
`children` are other processes; `loops`, `collecting` and `allocator` are about this one.

Rule of the room: nothing about photos, nothing from upstairs, no HTTP.
"""
